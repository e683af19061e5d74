//! Bodies, by kind.

use symbolon_client::{Anonymous, Client};
use symbolon_wire::Binary;

use crate::pets::{AddPet, AddPetBody, AddPetRequest, Pet, Photos};
use crate::server::{Asked, answer, serve};

async fn sent(body: AddPetBody) -> Asked {
    let server = serve([answer(204, "")]).await;
    let client = Client::new(&server.base_url, Anonymous).unwrap();
    let request = AddPetRequest { idempotency_key: "k".into(), body };
    client.call::<AddPet>(request).await.unwrap();
    server.asked().remove(0)
}

fn rex() -> Pet {
    Pet { name: "Rex & Co".into(), age: 3 }
}

#[tokio::test]
async fn are_written_by_kind() {
    let binary = Binary::new(b"\0\xff");
    let asked = sent(AddPetBody::Json(rex())).await;
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.text(), r#"{"name":"Rex & Co","age":3}"#);
    let asked = sent(AddPetBody::Form(rex())).await;
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert!(["age=3&name=Rex%20%26%20Co", "name=Rex%20%26%20Co&age=3"].contains(&asked.text()));
    let asked = sent(AddPetBody::Text("hé".into())).await;
    assert_eq!(asked.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(asked.text(), "hé");
    let asked = sent(AddPetBody::Bytes(binary.clone())).await;
    assert_eq!(asked.header("content-type"), Some("application/octet-stream"));
    assert_eq!(asked.body.to_vec(), binary.bytes);
    let parts = vec![binary.clone().header("X-Id", "1"), binary.media_type("image/png")];
    let asked = sent(AddPetBody::Parts(parts.clone())).await;
    let media_type = asked.header("content-type").unwrap();
    assert_eq!(symbolon_wire::decode_parts(media_type, &asked.body), Ok(parts));
}

#[tokio::test]
async fn of_several_parts_repeat_lists_and_leave_out_what_is_absent() {
    let one = Binary::new(b"one");
    let two = Binary::new(b"two").file_name("two.png").media_type("image/png").header("X-Id", "7");
    let body = Photos {
        name: rex().name,
        ages: vec![3, 3],
        nothing: None,
        spread: rex(),
        meta: rex(),
        photos: vec![one, two],
    };
    let asked = sent(AddPetBody::Multipart(body)).await;
    let media_type = asked.header("content-type").unwrap();
    let boundary = media_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let parts: Vec<_> = asked.text().split(&format!("--{boundary}")).collect();
    let part = |head: &str, body: &str| {
        format!("\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n")
    };
    let octets = "application/octet-stream";
    let file = "name=\"photos\"; filename=\"photos\"\r\nContent-Type: application/octet-stream";
    let json = "name=\"meta\"\r\nContent-Type: application/json";
    assert_eq!(
        parts,
        [
            "",
            &part("name=\"name\"", "Rex & Co"),
            &part("name=\"ages\"", "3"),
            &part("name=\"ages\"", "3"),
            &part("name=\"spread[name]\"", "Rex & Co"),
            &part("name=\"spread[age]\"", "3"),
            &part(json, &serde_json::to_value(rex()).unwrap().to_string()),
            &part(file, "one"),
            &part(
                &file
                    .replace("\"photos\"\r", "\"two.png\"\r")
                    .replace(octets, "image/png\r\nX-Id: 7"),
                "two"
            ),
            "--\r\n",
        ]
    );
}
