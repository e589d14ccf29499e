// A question as a program would put it. Pure, so that it can be read and tested alone.

export interface Question {
  url: string;
  task: string;
  model: string | null;
  inputs: Record<string, unknown>;
  files: Record<string, string>;
}

export function snippets(question: Question): { curl: string; python: string; javascript: string } {
  return Object.keys(question.files).length > 0 ? withFiles(question) : withJson(question);
}

function withJson({ url, task, model, inputs }: Question): ReturnType<typeof snippets> {
  const address = `${url}/api/tasks/${task}/predict`;
  const body = JSON.stringify(model === null ? { inputs } : { inputs, model });
  const pretty = JSON.stringify(model === null ? { inputs } : { inputs, model }, null, 2);
  return {
    curl: `curl ${address} \\\n  -H 'Content-Type: application/json' \\\n  -d ${shell(body)}`,
    python: pythonCall(url, task, model, inputs, {}),
    javascript: `const response = await fetch("${address}", {\n  method: "POST",\n  headers: { "Content-Type": "application/json" },\n  body: JSON.stringify(${pretty.replaceAll("\n", "\n  ")}),\n});\nconsole.log((await response.json()).outputs);`,
  };
}

function withFiles({ url, task, model, inputs, files }: Question): ReturnType<typeof snippets> {
  const address = `${url}/api/tasks/${task}/predict`;
  const plain = Object.entries(model === null ? inputs : { ...inputs, model });
  const parts = [
    // curl would take , and ; in a bare file name, and @ or < before a value, for its own.
    ...Object.entries(files).map(([name, file]) => `-F ${shell(`${name}=@"${file.replace(/["\\]/g, "\\$&")}"`)}`),
    ...plain.map(([name, value]) => `--form-string ${shell(`${name}=${value}`)}`),
  ];
  const appended = [
    ...Object.keys(files).map((name) => `form.append("${name}", document.querySelector("input[type=file]").files[0]);`),
    ...plain.map(([name, value]) => `form.append("${name}", ${JSON.stringify(String(value))});`),
  ];
  return {
    curl: `curl ${address} \\\n  ${parts.join(" \\\n  ")}`,
    python: pythonCall(url, task, model, inputs, files),
    javascript: `const form = new FormData();\n${appended.join("\n")}\nconst response = await fetch("${address}", { method: "POST", body: form });\nconsole.log((await response.json()).outputs);`,
  };
}

function pythonCall(
  url: string,
  task: string,
  model: string | null,
  inputs: Record<string, unknown>,
  files: Record<string, string>,
): string {
  const words = [
    JSON.stringify(task),
    ...(model === null ? [] : [`model=${JSON.stringify(model)}`]),
    ...Object.entries(inputs).map(([name, value]) => `${name}=${python(value)}`),
    ...Object.entries(files).map(([name, file]) => `${name}=Path(${JSON.stringify(file)})`),
  ];
  const path = Object.keys(files).length > 0 ? "from pathlib import Path\n\n" : "";
  return `${path}from frontdesk.client import Client\n\nanswer = Client("${url}").ask(\n    ${words.join(",\n    ")},\n)\nprint(answer["outputs"])`;
}

function python(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${python(one)}`).join(", ")}}`;
  }
  return JSON.stringify(value);
}

function shell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
