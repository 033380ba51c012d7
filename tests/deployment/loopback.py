"""Two small HTTP servers on loopback that stand between a client and ministack.

`Front` gives the API a plain base URL: ministack tells APIs apart by the Host header alone.
`TableGuard` stands before the table, the event bus, KMS, S3 and SES and answers as IAM would: ministack
does not know `dynamodb:LeadingKeys`.
"""

import contextlib
import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import policies

# Where SES takes mails.
SEND = "v2/email/outbound-emails"
# RFC 9110 §7.6.1, and what the server here writes itself.
NOT_FORWARDED = {
    "connection",
    "content-length",
    "date",
    "host",
    "keep-alive",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


class Forwarder(BaseHTTPRequestHandler):
    """Passes a request on to `backend` and its answer back, byte for byte."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Unbuffered, head and body leave in two packets, and the second waits for the acknowledgement
    # of the first.
    wbufsize = -1
    backend: tuple[str, int]

    def do(self) -> None:
        body = self.request_body()
        target, headers, refusal = self.prepare(body)
        status, answered, content = refusal or self.forward(target, headers, body)
        self.send_response_only(status)
        for name, value in answered:
            if name.lower() not in NOT_FORWARDED:
                self.send_header(name, value)
        # RFC 9110 §8.6: without a body, it says what the body would have been long, and only the
        # backend knows that.
        if self.command != "HEAD" and status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_QUERY = (
        do_TRACE
    ) = do

    def prepare(self, body: bytes):
        """Returns the target and the headers to send on, and the answer that is given instead, if
        any."""
        raise NotImplementedError

    def request_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def forward(self, target: str, headers: list[tuple[str, str]], body: bytes):
        connection = http.client.HTTPConnection(*self.backend, timeout=60)
        try:
            connection.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value.encode("latin-1"))
            if body or self.command not in ("GET", "HEAD"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def passed_on(self) -> list[tuple[str, str]]:
        return [
            (name, value)
            for name, value in self.headers.items()
            if name.lower() not in NOT_FORWARDED
        ]

    def log_message(self, *_) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_) -> None:
        # A client that hangs up is its own affair; anything else it sees as a broken answer.
        pass


@contextlib.contextmanager
def serving(handler: type[Forwarder]):
    """Serves `handler` on a free loopback port and yields its base URL."""
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def front(backend: tuple[str, int], host: str) -> type[Forwarder]:
    class Front(Forwarder):
        def prepare(self, body: bytes):
            # With the stage before it no path is one of ministack's own, such as `/health`.
            return "/$default" + self.path, [("Host", host), *self.passed_on()], None

    Front.backend = backend
    return Front


def table_guard(
    backend: tuple[str, int],
    roles: dict[str, list[dict]],
    key: dict[str | None, str],
    denied: list[str],
) -> type[Forwarder]:
    """Serves `/<function>/…` with the rights of that function's role, and notes in `denied` what
    the role does not allow."""

    class TableGuard(Forwarder):
        def prepare(self, body: bytes):
            _, function, path = self.path.split("/", 2)
            service, operation = self.headers.get("X-Amz-Target", ".").split(".")
            request = json.loads(body) if service else {}
            match service:
                # Of the services that are called here, S3 and SES have no such header.
                case "" if (self.command, path) == ("POST", SEND):
                    asked = policies.sendings(json.loads(body))
                case "" if self.command == "PUT":
                    asked = policies.storings(path)
                case "":
                    denied.append(f"{function}: {self.command} {path}")
                    return None, None, refusal(function, f"{self.command} {path}")
                case "AWSEvents":
                    asked = policies.publications(request)
                case "TrentService":
                    asked = policies.sealings(operation, request)
                case _:
                    asked = policies.accesses(operation, request, key)
            for access in asked:
                if not policies.allowed(roles[function], access):
                    denied.append(f"{function}: {access}")
                    return None, None, refusal(function, access)
            return "/" + path, [("Host", f"{backend[0]}:{backend[1]}"), *self.passed_on()], None

    TableGuard.backend = backend
    return TableGuard


def refusal(function: str, access: policies.Access | str):
    message = f"{function} is not authorized to perform: {access}"
    content = json.dumps(
        {"__type": "com.amazon.coral.service#AccessDeniedException", "message": message}
    ).encode()
    return 400, [("Content-Type", "application/x-amz-json-1.0")], content
