// The Monitor tab: charts of what the tables beside them say; and feedback on answers without leaving the page.
import { Chart, type ChartOptions, type Line } from "./charts";
import { fragment } from "./fragments";

interface Graph {
  name: string;
  title: string;
  kind: "lines" | "bars";
  unit: string;
  x: number[];
  lines: { name: string; y: (number | null)[] }[];
}

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;
const CLOCK: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

export function followMonitor(): void {
  for (const place of document.querySelectorAll<HTMLElement>("[data-graph]")) draw(place);
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    const part = form.closest<HTMLElement>("[data-feedback]");
    if (!part) return;
    event.preventDefault();
    void send(form, (event as SubmitEvent).submitter, part);
  });
}

function draw(place: HTMLElement): void {
  const graph = JSON.parse(place.dataset["graph"]!) as Graph;
  const step = graph.x.length > 1 ? graph.x[1]! - graph.x[0]! : HOUR_S;
  const lines: Line[] = graph.lines.map(({ name, y }) => {
    const known = graph.x.map((x, at) => [x, y[at] ?? null] as const).filter((pair): pair is [number, number] => pair[1] !== null);
    return { name, x: known.map(([x]) => x), y: known.map(([, value]) => value) };
  });
  const options: ChartOptions = {
    kind: graph.kind, unit: graph.unit, step, span: [graph.x[0]! - step * 0.6, graph.x.at(-1)! + step * 0.6],
    placed: (x) => moment(x, step), places: () => graph.x, least: 0,
  };
  if (graph.unit === "%") options.most = 100;
  const chart = new Chart(graph.title, "time", lines, options);
  place.replaceWith(chart.figure);
  chart.redraw();
}

function moment(seconds: number, step: number): string {
  const at = new Date(seconds * 1000);
  if (step >= DAY_S) return at.toLocaleDateString(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
  if (step > HOUR_S) return at.toLocaleString(undefined, { weekday: "short", ...CLOCK });
  return at.toLocaleTimeString(undefined, CLOCK);
}

async function send(form: HTMLFormElement, submitter: HTMLElement | null, part: HTMLElement): Promise<void> {
  const data = new FormData(form, submitter);
  const buttons = form.querySelectorAll<HTMLButtonElement>("button");
  for (const button of buttons) button.disabled = true;
  try {
    const text = await fragment(form.action, { method: "POST", body: data });
    const holder = document.createElement("div");
    holder.innerHTML = text;
    const told = holder.querySelector<HTMLElement>("[data-feedback]");
    part.replaceWith(...(told ? [told] : holder.childNodes));
    told?.querySelector<HTMLElement>("[role=alert],[role=status]")?.focus();
  } catch {
    let fault = part.querySelector<HTMLElement>(":scope > [role=alert]");
    if (!fault) part.prepend((fault = document.createElement("p")));
    fault.className = "fault";
    fault.role = "alert";
    fault.textContent = "The server cannot be reached. What you said is not kept yet; send it again in a moment.";
    for (const button of buttons) button.disabled = false;
  }
}
