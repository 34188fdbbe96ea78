// Servers of an image's own Python: nothing of Catwalk could run in an image that has no Node.
import { readFileSync } from 'node:fs'

const evaluator = readFileSync(new URL('../runtimes/fixtures/evaluator.py', import.meta.url), 'utf8')

/** Answers over HTTP what the evaluator answers over its standard input. */
const WEB = `${evaluator.replace(/if __name__ ==[\s\S]*$/, '')}
import http.server
import os


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        known = self.path == "/mcp" and self.headers["host"].startswith("localhost")
        body = b""
        if "id" in message and known:
            reply = {"jsonrpc": "2.0", "id": message["id"]}
            reply["result"] = answer(message["method"], message.get("params") or {})
            body = json.dumps(reply).encode()
        self.send_response(404 if not known else 200 if body else 202)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.send_response(405)
        self.send_header("content-length", "0")
        self.end_headers()

    do_DELETE = do_GET

    def log_message(self, *words):
        pass


print("listening", flush=True)
http.server.ThreadingHTTPServer((os.environ.get("HOST", "0.0.0.0"), 8080), Handler).serve_forever()
`

/** Programs of images by the names of those. */
export const IMAGE_FIXTURES = {
  evaluator,
  web: WEB,
  exits: "import sys\nprint('API_KEY is missing', file=sys.stderr)\nsys.exit(3)\n",
  stubborn: `import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: print('got SIGTERM', file=sys.stderr, flush=True))
print('ready', file=sys.stderr, flush=True)
while True:
    time.sleep(1)
`,
} as const
