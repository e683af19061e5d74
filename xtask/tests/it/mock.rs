//! `symbolon mock` on a small contract: what it serves, refuses and prefers.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

const CONTRACT: &str = r#"
openapi: 3.1.0
info: { title: Pets, version: 1.0.0 }
paths:
  /pets:
    post:
      operationId: addPet
      security: [{ key: [] }]
      requestBody:
        required: true
        content:
          application/json:
            schema: { $ref: '#/components/schemas/Pet' }
            examples:
              rex: { value: { id: 1, name: Rex } }
              tom: { value: { id: 2, name: Tom } }
      responses:
        '201':
          description: Added.
          headers: { Location: { schema: { type: string }, example: /pets/1 } }
          content:
            application/json:
              schema: { $ref: '#/components/schemas/Pet' }
              examples: { rex: { value: { id: 1, name: Rex } } }
        '409':
          description: It is there.
          content:
            application/json:
              schema: { type: object, properties: { message: { type: string } } }
              examples: { tom: { value: { message: Tom is there } } }
  /pets/{petId}:
    get:
      operationId: showPet
      parameters:
        - { name: petId, in: path, required: true, schema: { type: integer, minimum: 1 } }
        - { name: tag, in: query, schema: { type: array, items: { type: string }, maxItems: 2 } }
        - { name: sort, in: query, schema: { $ref: '#/components/schemas/Sorts' } }
        - { name: near, in: query, explode: false, schema: { $ref: '#/components/schemas/Sorts' } }
      responses:
        '200':
          description: The pet.
          content:
            application/json: { schema: { $ref: '#/components/schemas/Pet' } }
            text/plain: { schema: { type: string }, example: Rex }
        '404': { description: There is none. }
  /pets/watch:
    get:
      operationId: watchPets
      responses:
        '200':
          description: What happens to them.
          content:
            text/event-stream:
              schema: { type: string }
              examples:
                born: { value: { name: Rex } }
                fed: { value: { name: Rex, full: true } }
components:
  securitySchemes: { key: { type: apiKey, in: header, name: X-Key } }
  schemas:
    Sorts: { type: array, items: { $ref: '#/components/schemas/Sort' } }
    Sort:
      type: object
      required: [by]
      properties: { by: { type: string }, limit: { type: integer } }
    Pet:
      type: object
      required: [id, name]
      properties: { id: { type: integer }, name: { type: string, minLength: 2 } }
"#;

/// A mock that ends with the test.
struct Mock {
    process: Child,
    told: BufReader<ChildStdout>,
    address: String,
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn mock() -> (tempfile::TempDir, Mock) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pets.yaml");
    fs::write(&path, CONTRACT).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_symbolon"))
        .args(["mock", "--port", "0", "--json", "--contract"])
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    let started: Value = serde_json::from_str(&line).unwrap();
    let address = started["listening"].as_str().unwrap().trim_start_matches("http://").to_owned();
    (folder, Mock { process, told, address })
}

impl Mock {
    /// Status, headers and body of the answer to a request.
    fn ask(&self, line: &str, headers: &[&str], body: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let mut request = format!("{line} HTTP/1.1\r\nHost: mock\r\nConnection: close\r\n");
        for header in headers {
            request.push_str(&format!("{header}\r\n"));
        }
        let length = body.len();
        write!(stream, "{request}Content-Length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_ascii_lowercase(), body.to_owned())
    }

    fn json(&self, line: &str, headers: &[&str], body: &str) -> (u16, Value) {
        let (status, _, body) = self.ask(line, headers, body);
        (status, serde_json::from_str(&body).unwrap())
    }
}

const POST: [&str; 2] = ["X-Key: any", "Content-Type: application/json"];

#[test]
fn the_answer_is_the_example_whose_request_was_sent() {
    let (_folder, mock) = mock();
    let (status, head, body) = mock.ask("POST /pets", &POST, r#"{"name":"Rex","id":1}"#);
    assert_eq!((status, body.as_str()), (201, r#"{"id":1,"name":"Rex"}"#));
    assert!(head.contains("location: /pets/1"), "{head}");
    let (status, body) = mock.json("POST /pets", &POST, r#"{"name":"Tom","id":2}"#);
    assert_eq!((status, body), (409, json!({ "message": "Tom is there" })));
    let (status, body) = mock.json("POST /pets", &POST, r#"{"name":"Else","id":3}"#);
    assert_eq!((status, &body["name"]), (201, &json!("Rex")));
}

#[test]
fn what_nests_in_a_query_is_read_as_clients_write_it() {
    let (_folder, mock) = mock();
    let pointers = |query: &str| {
        let (status, body) = mock.json(&format!("GET /pets/1?{query}"), &[], "");
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        (status, errors.iter().map(|it| it["pointer"].clone()).collect::<Vec<_>>())
    };
    assert_eq!(pointers("sort[0][by]=7&sort[1][by]=age&sort[1][limit]=3"), (200, Vec::new()));
    assert_eq!(pointers("near=[{%22by%22:%22age%22}]"), (200, Vec::new()));
    assert_eq!(pointers("sort[0][limit]=3"), (400, vec![json!("/sort/0/by")]));
    assert_eq!(pointers("near=[{%22by%22:7}]"), (400, vec![json!("/near/0/by")]));
}

#[test]
fn every_violation_is_told_with_its_place() {
    let (_folder, mock) = mock();
    let places = |problem: &Value| -> Vec<String> {
        let errors = problem["errors"].as_array().unwrap().iter();
        let place = |it: &Value| format!("{}{}", it["in"].as_str().unwrap(), it["pointer"]);
        errors.map(place).collect()
    };
    let (status, problem) = mock.json("POST /pets", &POST, r#"{"name":"R"}"#);
    assert_eq!((status, &problem["code"]), (400, &json!("invalid-request")));
    assert_eq!(places(&problem), [r#"body"/id""#, r#"body"/name""#]);
    let (status, problem) = mock.json("GET /pets/0?tag=a&tag=b&tag=c", &[], "");
    assert_eq!(status, 400);
    assert_eq!(places(&problem), [r#"path"/petId""#, r#"query"/tag""#]);
}

#[test]
fn the_edge_refuses_what_no_example_is_asked_for() {
    let (_folder, mock) = mock();
    let body = r#"{"id":1,"name":"Rex"}"#;
    let statuses = [
        mock.ask("POST /pets", &["Content-Type: application/json"], body).0,
        mock.ask("POST /pets", &["X-Key: any", "Content-Type: text/csv"], body).0,
        mock.ask("DELETE /pets", &[], "").0,
        mock.ask("GET /dogs", &[], "").0,
        mock.ask("GET /pets/1", &["Accept: image/png"], "").0,
    ];
    assert_eq!(statuses, [401, 415, 405, 404, 406]);
}

#[test]
fn a_caller_may_prefer_another_answer() {
    let (_folder, mock) = mock();
    let prefer = |what: &str| mock.ask("GET /pets/1", &[&format!("Prefer: {what}")], "").0;
    assert_eq!(
        [prefer("code=404"), prefer("code=500"), prefer("example=none"), prefer("dynamic=true")],
        [404, 400, 400, 200]
    );
    let made = mock.json("GET /pets/1", &[], "");
    assert!(made.1["id"].is_i64() && made.1["name"].is_string(), "{made:?}");
    assert_eq!(made, mock.json("GET /pets/1", &[], ""));
    assert_eq!(mock.ask("GET /pets/1", &["Accept: text/plain"], "").2, "Rex");
    let (_, head, events) = mock.ask("GET /pets/watch", &[], "");
    assert!(head.contains("text/event-stream"), "{head}");
    assert_eq!(events.matches("data: {").count(), 2, "{events}");
}

#[test]
fn what_is_told_at_the_start_can_be_pasted() {
    let (_folder, mut mock) = mock();
    let mut lines = String::new();
    for _ in 0..3 {
        mock.told.read_line(&mut lines).unwrap();
    }
    assert!(lines.contains(r#""id":"showPet""#) && lines.contains("curl -i http://"), "{lines}");
    assert!(lines.contains("-H 'X-Key: secret'"), "{lines}");
    assert_eq!(mock.ask("GET /docs/", &[], "").0, 200);
    assert_eq!(mock.json("GET /openapi.json", &[], "").1["info"]["title"], "Pets");
}
