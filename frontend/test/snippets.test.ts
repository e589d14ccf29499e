/// <reference types="node" />
// The code a page offers, run as far as it can be without a server.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { snippets, type Question } from "../src/snippets";

const plain: Question = {
  url: "http://127.0.0.1:8000",
  task: "greet",
  model: null,
  inputs: { name: "O'Neill \"Ada\" $HOME `id`\n", loud: true, count: 3, none: null, rows: [{ a: 1.5 }] },
  files: {},
};
const picture: Question = { ...plain, model: "small", inputs: { note: "it's" }, files: { photo: "my photo's.jpg" } };

// What the shell would hand to curl, word by word.
function words(command: string): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }\n${command}`;
  return execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
}

test("curl sends exactly the inputs, whatever they hold", () => {
  const [address, flag, header, data, body] = words(snippets(plain).curl);
  assert.deepEqual([address, flag, header, data], [
    "http://127.0.0.1:8000/api/tasks/greet/predict", "-H", "Content-Type: application/json", "-d",
  ]);
  assert.deepEqual(JSON.parse(body!), { inputs: plain.inputs });
});

test("curl sends files as parts, and the model when it is not the default", () => {
  assert.deepEqual(words(snippets(picture).curl).slice(1), [
    "-F", "photo=@\"my photo's.jpg\"", "--form-string", "note=it's", "--form-string", "model=small",
  ]);
});

test("JavaScript asks the same", async () => {
  let asked: [string, RequestInit] | undefined;
  const fetch = async (url: string, init: RequestInit) => {
    asked = [url, init];
    return { json: async () => ({ outputs: {} }) };
  };
  const run = new Function("fetch", "console", `return (async () => {${snippets(plain).javascript}})()`);
  await run(fetch, { log: () => undefined });
  assert.equal(asked![0], "http://127.0.0.1:8000/api/tasks/greet/predict");
  assert.deepEqual(JSON.parse(asked![1].body as string), { inputs: plain.inputs });
});

test("Python reads back the same values", () => {
  const script = [
    "import json, sys, types",
    "client = types.ModuleType('frontdesk.client')",
    "class Client:",
    "    def __init__(self, url): self.url = url",
    "    def ask(self, task, **inputs):",
    "        print(json.dumps([self.url, task, inputs], default=str)); sys.exit()",
    "client.Client = Client",
    "sys.modules |= {'frontdesk': types.ModuleType('frontdesk'), 'frontdesk.client': client}",
    "exec(sys.argv[1])",
  ].join("\n");
  const run = (code: string): unknown => JSON.parse(execFileSync("python3", ["-c", script, code], { encoding: "utf8" }));
  assert.deepEqual(run(snippets(plain).python), [plain.url, "greet", plain.inputs]);
  assert.deepEqual(run(snippets(picture).python), [
    plain.url, "greet", { model: "small", note: "it's", photo: "my photo's.jpg" },
  ]);
});
