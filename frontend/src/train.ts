// Trainings: curves as they grow, how far it is, the log; and the curves of several beside each other.
import { Chart, readable, type Line } from "./charts";
import { fragment } from "./fragments";

interface Curves {
  after: number;
  curves: { x: string; count: number; began_at: number | null; curves: { name: string; x: number[]; y: number[] }[] };
}

interface Told {
  first: number;
  count: number;
  points: [string[], (number | null)[][]][];
}

const POINTS = 500;
const LINE_POINTS_MOST = 4 * POINTS;
const LOOK_EVERY_MS = 1000;
const LOG_LENGTH = 60_000;

export function followRuns(): void {
  for (const place of document.querySelectorAll<HTMLElement>("[data-curves]")) void show(place);
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-confirm]")) {
    form.addEventListener("submit", (event) => confirm(form.dataset["confirm"]) || event.preventDefault());
  }
}

async function show(place: HTMLElement): Promise<void> {
  const jobs = place.dataset["curves"]!.split(",").filter(Boolean);
  const names = place.dataset["names"]?.split(",") ?? [""];
  const board = new Board(place);
  const found = await Promise.all(jobs.map(curvesOf));
  found.forEach((curves, at) => board.add(curves, names[at] ?? ""));
  const run = place.closest<HTMLElement>("[data-run]");
  if (run && found[0]) follow(run, board, found[0]);
}

async function curvesOf(job: string): Promise<Curves> {
  return (await fetch(`/api/jobs/${job}/metrics?points=${POINTS}`)).json() as Promise<Curves>;
}

// One chart for each figure; `val_loss` is drawn beside `loss`.
class Board {
  private readonly charts = new Map<string, Chart>();
  private x = "";

  constructor(private readonly place: HTMLElement) {}

  add({ curves }: Curves, owner: string): void {
    if (curves.count) this.x ||= curves.x;
    for (const curve of curves.curves) {
      const line = this.line(curve.name, owner);
      line.x.push(...curve.x);
      line.y.push(...curve.y);
    }
    this.redraw();
  }

  grow(told: Told, beganAt: number): void {
    for (const [names, rows] of told.points) {
      const at = names.indexOf(this.x);
      for (const [column, name] of names.entries()) {
        if (name === "epoch" || name === "step") continue;
        const line = this.line(name, "");
        for (const row of rows) {
          const [x, y] = [at < 0 ? row[0]! - beganAt : row[at + 1], row[column + 1]];
          if (x === null || x === undefined || y === null || y === undefined) continue;
          // A training that goes on from a checkpoint tells some of it again.
          while (line.x.length > 0 && line.x.at(-1)! >= x && this.x !== "time") {
            line.x.pop();
            line.y.pop();
          }
          line.x.push(x);
          line.y.push(y);
        }
        thin(line);
      }
    }
    this.redraw();
  }

  // What the server knows, in place of what came bit by bit.
  replace(curves: Curves): void {
    for (const chart of this.charts.values()) for (const line of chart.lines) [line.x, line.y] = [[], []];
    this.add(curves, "");
  }

  private line(name: string, owner: string): Line {
    const base = name.replace(/^val_/, "");
    let chart = this.charts.get(base);
    if (!chart) {
      chart = new Chart(base, this.x || "time", []);
      this.charts.set(base, chart);
      this.place.querySelector("[data-empty]")?.remove();
      this.place.append(chart.figure);
    }
    const label = [owner, name === base ? (owner ? "" : "training") : "validation"].filter(Boolean).join(", ") || readable(name);
    let line = chart.lines.find((one) => one.name === label);
    if (!line) chart.lines.push((line = { name: label, x: [], y: [] }));
    return line;
  }

  private redraw(): void {
    for (const chart of this.charts.values()) chart.redraw();
  }

  setPlace(x: string): void {
    this.x ||= x;
  }
}

// Every other point of a line that has grown long; the page shows it whole, thinned by the server, when it is loaded again.
function thin(line: Line): void {
  if (line.x.length <= LINE_POINTS_MOST) return;
  const keep = (_: number, at: number): boolean => at % 2 === 0 || at === line.x.length - 1;
  [line.x, line.y] = [line.x.filter(keep), line.y.filter(keep)];
}

function follow(run: HTMLElement, board: Board, found: Curves): void {
  const id = run.dataset["run"]!;
  const load = async (): Promise<void> => {
    const curves = await curvesOf(id).catch(() => null);
    if (curves) board.replace(curves);
  };
  if (["succeeded", "failed", "cancelled"].includes(run.dataset["state"]!)) return;
  let known = found.curves.count;
  let beganAt = found.curves.began_at ?? 0;
  const events = new EventSource(`/api/jobs/${id}/events?after=${found.after}`);
  const look = paced(() => refresh(run));
  events.addEventListener("metrics", (event) => {
    const told = (JSON.parse((event as MessageEvent<string>).data) as { data: Told }).data;
    if (told.first < known) return;
    known = told.first + told.count;
    const [names, rows] = told.points[0]!;
    beganAt ||= rows[0]?.[0] ?? 0;
    board.setPlace(["epoch", "step"].find((name) => names.includes(name)) ?? "time");
    board.grow(told, beganAt);
    look();
  });
  events.addEventListener("progress", look);
  events.addEventListener("state", look);
  events.addEventListener("log", (event) => {
    write(run, (JSON.parse((event as MessageEvent<string>).data) as { data: { text: string } }).data.text);
  });
  events.addEventListener("end", () => {
    events.close();
    look();
    setTimeout(() => void load(), LOOK_EVERY_MS); // an event has a few of the points told at once, the rows have all
  });
}

function write(run: HTMLElement, text: string): void {
  const log = run.querySelector<HTMLElement>("[data-log]")!;
  const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  log.textContent = (log.textContent + text).slice(-LOG_LENGTH);
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

async function refresh(run: HTMLElement): Promise<void> {
  const part = run.querySelector<HTMLElement>("#run")!;
  const text = await fragment(location.href).catch(() => null);
  if (text === null || part.contains(document.activeElement)) return;
  part.innerHTML = text;
  const state = part.querySelector<HTMLElement>("[data-state]")?.dataset["state"] ?? "";
  if (state === run.dataset["state"]) return;
  run.dataset["state"] = state;
  run.querySelector<HTMLElement>("[data-said]")!.textContent = part.querySelector("h2")?.textContent?.trim() ?? "";
}

// Soon after the first call, and then once in a while for as long as there are more.
function paced(work: () => unknown): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = 0;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      last = Date.now();
      work();
    }, Math.max(100, last + LOOK_EVERY_MS - Date.now()));
  };
}
