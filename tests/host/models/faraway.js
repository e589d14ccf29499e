// A back end that does what it is told, on its socket or on the port that its first word says.
const http = require("node:http");

http.createServer(async (request, response) => {
  let text = "";
  for await (const piece of request) text += piece;
  const say = (status, body) => response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
  if (request.url !== "/predict") return say(request.url === "/health" ? 200 : 404, {});
  const asked = JSON.parse(text).inputs.text;
  for (const word of asked) {
    if (word === "hang") return;
    if (word === "stop") return setTimeout(() => { while (true); });
    if (word === "die") process.kill(process.pid, "SIGKILL");
    if (word === "nonsense") return say(200, "<h1>hello</h1>");
    if (word === "too few") return say(200, { answers: [] });
    if (word === "number") return say(200, { answers: asked.map(() => 5) });
    if (word === "refuse") return say(422, { errors: [{ field: "text", detail: "I would rather not." }] });
    if (word === "fail") return say(500, { error: "I dropped it." });
    if (word === "away") return say(503, {});
  }
  say(200, { answers: asked.map((word) => `${word} by ${process.pid} in a batch of ${asked.length}`) });
}).listen(process.argv[2] ? Number(process.argv[2]) : process.env.FRONTDESK_MODEL_SOCKET, () => console.log("listening"));
