//! A run under way: what is sent, what was seen, what was promised.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use reqwest::Client;
use reqwest::redirect::Policy;

use crate::answer::{Answer, exchange, in_words};
use crate::contract::{Contract, Documented, IDEMPOTENCY_KEY, Operation};
use crate::coverage::Coverage;
use crate::credentials::{self, Missing, Secrets};
use crate::expressions::Outcome;
use crate::fresh::Fresh;
use crate::judge::judge;
use crate::promises::{Promise, Promised};
use crate::report::{Complaint, Finding, Kind, Ran, Report, Seen};
use crate::request::{Draft, Request, build};
use crate::sockets::Line;
use crate::tail::Tail;
use crate::{Options, curl, promises, sockets};

/// What helps a run that nobody was named for.
const NO_CREDENTIAL: &str = "no credential was sent: pass --header 'Authorization: Bearer …'";

/// Everything a run knows.
#[derive(Debug)]
pub(crate) struct Session<'c> {
    pub(crate) contract: &'c Contract<'c>,
    pub(crate) options: &'c Options,
    pub(crate) client: Client,
    pub(crate) url: String,
    pub(crate) fresh: Fresh,
    pub(crate) coverage: Coverage,
    /// What the workflows that ran were given and gave.
    pub(crate) outcomes: BTreeMap<String, Outcome>,
    pub(crate) ran: Vec<Ran>,
    pub(crate) promises: Vec<Promise<'c>>,
    pub(crate) tail: Option<Tail>,
    /// Sockets that are open.
    pub(crate) lines: Vec<Line<'c>>,
    secrets: Secrets,
    findings: Vec<Finding>,
    /// Statuses that could not be exercised for want of a credential.
    blocked: BTreeSet<(String, Documented)>,
    keys: BTreeSet<(String, String)>,
    requests: usize,
    started: Instant,
}

/// A client that follows no redirect and keeps this many idle connections.
pub(crate) fn client(idle: usize) -> Client {
    let client = Client::builder().redirect(Policy::none()).no_proxy().pool_max_idle_per_host(idle);
    client.build().expect("these settings need nothing of the system but TLS")
}

impl<'c> Session<'c> {
    /// Starts a run.
    pub(crate) fn new(contract: &'c Contract<'c>, options: &'c Options) -> Self {
        let url = options.url.trim_end_matches('/').to_owned();
        Self {
            contract,
            options,
            client: client(usize::MAX),
            fresh: Fresh::new(options.seed, contract.server.as_deref(), &url),
            url,
            coverage: Coverage::default(),
            outcomes: BTreeMap::new(),
            ran: Vec::new(),
            promises: Vec::new(),
            tail: None,
            lines: Vec::new(),
            secrets: Secrets::new(options, &contract.credential_headers),
            findings: Vec::new(),
            blocked: BTreeSet::new(),
            keys: BTreeSet::new(),
            requests: 0,
            started: Instant::now(),
        }
    }

    /// Whether anything answers at the address of the server.
    pub(crate) async fn reaches_server(&mut self) -> bool {
        let Err(error) = self.client.get(&self.url).send().await else { return true };
        if !error.is_connect() && !error.is_builder() {
            return true;
        }
        let complaint =
            Complaint::new("no answer", &self.contract.at, "a server", in_words(&error));
        let mut finding = complaint.about(Kind::Failure, &self.url);
        finding.hint = Some("start the server, or mend --url".to_owned());
        self.add(finding);
        false
    }

    /// Sends a request and judges the answer; none if there was no answer or no credential.
    pub(crate) async fn send(
        &mut self,
        operation: &'c Operation<'c>,
        draft: &Draft,
        cause: &str,
    ) -> Option<(Request, Answer)> {
        let request = self.prepare(operation, draft, cause)?;
        let answer = self.deliver(operation, &request, cause).await?;
        Some((request, answer))
    }

    /// The request of a draft; a credential that is missing is a gap.
    pub(crate) fn prepare(
        &mut self,
        operation: &Operation<'c>,
        draft: &Draft,
        cause: &str,
    ) -> Option<Request> {
        let credential = draft.credential.as_deref();
        let names = &self.contract.credential_headers;
        let headers = match credentials::headers(self.options, names, credential) {
            Ok(headers) => headers,
            Err(Missing(name)) => {
                let wanted = format!("the credential `{name}`");
                let complaint = Complaint::new(cause, &operation.at, wanted, "none");
                let hint = format!("pass --credential {name}='Authorization: Bearer …'");
                self.gap(complaint, &operation.id, &hint);
                return None;
            }
        };
        self.requests += 1;
        let correlation_id = format!("conformance-{:x}-{}", self.options.seed, self.requests);
        Some(build(operation, draft, headers, correlation_id))
    }

    /// Sends a request and judges the answer.
    pub(crate) async fn deliver(
        &mut self,
        operation: &'c Operation<'c>,
        request: &Request,
        cause: &str,
    ) -> Option<Answer> {
        match exchange(&self.client, &self.url, request).await {
            Ok(answer) => {
                self.observe(operation, request, &answer, cause);
                self.promise(operation, request, &answer, cause);
                Some(answer)
            }
            Err(why) => {
                let complaint = Complaint::new("no answer", &operation.at, "an answer", why);
                self.fail(complaint, operation, cause, Some(request));
                None
            }
        }
    }

    /// Judges an answer and notes what it exercised.
    pub(crate) fn observe(
        &mut self,
        operation: &'c Operation<'c>,
        request: &Request,
        answer: &Answer,
        cause: &str,
    ) {
        let code = answer.text("code").filter(|_| answer.status >= 400);
        self.coverage.note(operation, answer.status, code, cause);
        for complaint in judge(self.contract, operation, request, answer) {
            self.fail(complaint, operation, cause, Some(request));
        }
    }

    /// Notes the events that a success of the default credential must cause, or must not.
    pub(crate) fn promise(
        &mut self,
        operation: &'c Operation<'c>,
        request: &Request,
        answer: &Answer,
        cause: &str,
    ) {
        if !answer.is_success() || request.draft.credential.is_some() {
            return;
        }
        let promised = if self.is_replay(operation, request, answer) {
            Promised::Nothing
        } else {
            Promised::Event
        };
        for message in &operation.emits {
            let at = operation.at.get("x-emits").unwrap_or_else(|| operation.at.clone());
            self.promises.push(Promise {
                message,
                promised,
                correlation_id: request.correlation_id.clone(),
                operation: operation.id.clone(),
                cause: cause.to_owned(),
                curl: self.curl(request),
                at,
            });
        }
    }

    fn is_replay(&mut self, operation: &Operation<'_>, request: &Request, answer: &Answer) -> bool {
        let Some(idempotency) = &operation.idempotency else { return false };
        let Some(key) = request.header(IDEMPOTENCY_KEY) else { return false };
        let known = !self.keys.insert((operation.id.clone(), key.to_owned()));
        known
            || idempotency.replay == Some(answer.status)
                && operation.has_other_success(answer.status)
    }

    /// Notes a difference between an answer and the contract.
    pub(crate) fn fail(
        &mut self,
        complaint: Complaint<'_>,
        operation: &Operation<'_>,
        cause: &str,
        request: Option<&Request>,
    ) {
        let mut finding = complaint.about(Kind::Failure, &operation.id);
        finding.check = format!("{cause}: {}", finding.check);
        finding.got = self.secrets.masked(&finding.got);
        finding.curl = request.map(|request| self.curl(request));
        self.add(finding);
    }

    /// Notes that something could not be judged.
    pub(crate) fn gap(&mut self, complaint: Complaint<'_>, subject: &str, hint: &str) {
        let mut finding = complaint.about(Kind::Gap, subject);
        finding.hint = Some(hint.to_owned());
        self.add(finding);
    }

    /// Notes a finding, unless the same was found before.
    pub(crate) fn add(&mut self, mut finding: Finding) {
        let place = |found: &Finding| (found.file.clone(), found.pointer.clone());
        let same = |known: &Finding| {
            (&known.subject, &known.check) == (&finding.subject, &finding.check)
                && place(known) == place(&finding)
        };
        if self.findings.iter().any(same) {
            return;
        }
        let is_told =
            self.findings.iter().any(|known| known.hint.as_deref() == Some(NO_CREDENTIAL));
        let is_anonymous = self.options.headers.is_empty() && finding.got.starts_with("401");
        if finding.hint.is_none() && is_anonymous && !is_told {
            finding.hint = Some(NO_CREDENTIAL.to_owned());
        }
        self.findings.push(finding);
    }

    /// Notes that a status waits for a credential or a workflow; it is reported already.
    pub(crate) fn block(&mut self, operation: &Operation<'_>, status: Documented) {
        self.blocked.insert((operation.id.clone(), status));
    }

    /// The curl line of a request, without its secrets.
    pub(crate) fn curl(&self, request: &Request) -> String {
        curl::line(&self.url, request, &self.secrets)
    }

    /// Waits for the events that are due, and sums up.
    pub(crate) async fn close(mut self) -> Report {
        let mut events = promises::settle(&mut self).await;
        events.extend(sockets::settle(&mut self).await);
        for operation in &self.contract.operations {
            self.unexercised(operation);
        }
        self.sum_up(events)
    }

    /// The report of what was found so far.
    pub(crate) fn sum_up(self, events: Vec<Seen>) -> Report {
        Report {
            findings: self.findings,
            coverage: self.coverage.rows(self.contract),
            events,
            workflows: self.ran,
            requests: self.requests,
            seed: self.options.seed,
            elapsed_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn unexercised(&mut self, operation: &'c Operation<'c>) {
        let hint = "give the operation a named example or a workflow step that is answered so";
        let mut missing = Vec::new();
        for response in &operation.responses {
            let status = response.status;
            let blocked = self.blocked.contains(&(operation.id.clone(), status));
            if status.is_reachable() && !blocked && !self.coverage.has_status(operation, status) {
                let at = operation.place_of(status);
                let expected = format!("some request to be answered {status}");
                missing.push(Complaint::new(format!("status {status}"), &at, expected, "none"));
            }
        }
        let codes = operation.problems.as_deref().unwrap_or_default();
        for code in codes.iter().filter(|code| !self.coverage.has_problem(operation, code)) {
            let known = self.contract.problems.get(code).and_then(|problem| problem.status);
            let status =
                known.and_then(|status| u16::try_from(status).ok()).map(Documented::Exactly);
            let reported = status.is_some_and(|status| {
                self.blocked.contains(&(operation.id.clone(), status))
                    || !self.coverage.has_status(operation, status)
            });
            if !reported {
                let at = operation.at.get("x-problems").unwrap_or_else(|| operation.at.clone());
                let expected = format!("some request to meet the problem `{code}`");
                missing.push(Complaint::new(format!("problem {code}"), &at, expected, "none"));
            }
        }
        for complaint in missing {
            let mut finding = complaint.about(Kind::Failure, &operation.id);
            finding.hint = Some(hint.to_owned());
            self.add(finding);
        }
    }
}
