import { createServer } from 'node:http';
import { once } from 'node:events';

/**
 * A loopback server that answers with the next of these answers (the last one for ever) and keeps
 * what it was asked.
 */
export async function serve(context, ...answers) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    requests.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    const answer = answers[Math.min(requests.length, answers.length) - 1];
    const { status = 200, body, delayMs = 0, destroy = false, ...rest } = answer;
    if (destroy) return request.socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    const content = typeof body === 'object' ? JSON.stringify(body) : body;
    response.writeHead(status, rest.headers).end(content);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { baseUrl: `http://127.0.0.1:${server.address().port}`, requests };
}
