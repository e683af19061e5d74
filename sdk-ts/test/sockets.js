import { createServer } from 'node:http';
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';

/** The platform's class where there is one, as from Node.js 22 on, and that of npm `ws`. */
export const PLATFORMS = [...(globalThis.WebSocket ? [globalThis.WebSocket] : []), WebSocket];

/**
 * A loopback server that does one of these things with each connection in turn (the last one for
 * ever): a status refuses the handshake, a function gets the connection and its number. It keeps
 * what it was asked.
 */
export async function accept(context, ...turns) {
  const asked = [];
  const server = createServer();
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: ([first]) => first,
  });
  server.on('upgrade', (request, stream, head) => {
    const protocols = request.headers['sec-websocket-protocol']?.split(/, */) ?? [];
    asked.push({ url: request.url, protocols, headers: request.headers });
    const turn = turns[Math.min(asked.length, turns.length) - 1];
    if (typeof turn === 'number') {
      stream.end(`HTTP/1.1 ${turn} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    } else if (turn !== undefined) {
      sockets.handleUpgrade(request, stream, head, (socket) => turn(socket, asked.length));
    }
    // Without a turn it never answers.
  });
  const streams = new Set();
  server.on('connection', (stream) => {
    streams.add(stream);
    stream.on('close', () => streams.delete(stream));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const stop = () => {
    server.close();
    for (const stream of streams) stream.destroy();
  };
  context.after(stop);
  const again = () => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { baseUrl: `http://127.0.0.1:${port}`, asked, stop, again };
}
