// Lines or stacked bars as SVG: a legend that is not colour alone, a table of the same figures, PNG and CSV on request.

export interface Line {
  name: string;
  x: number[];
  y: number[];
}

// `bars` stacks the lines over each place, `step` apart; lines are broken where more than a step is missing.
// `span` is all of the axis below, `placed` writes a place on it for people; `least` and `most` are on the other one.
export interface ChartOptions {
  kind?: "lines" | "bars";
  unit?: string;
  step?: number;
  span?: [number, number];
  placed?: (x: number) => string;
  places?: (low: number, high: number) => number[];
  least?: number;
  most?: number;
}

const USUAL_WIDTH = 640;
const LEAST_WIDTH = 260;
const HEIGHT = 280;
const EDGE = { left: 56, right: 12, top: 12, bottom: 40 };
const DASHES = ["", "7 4", "2 3", "10 3 2 3", "4 2", "1 4"];
const TICKS = 5;
const LABEL_WIDTH = 56;
const TABLE_ROWS = 12;
const NS = "http://www.w3.org/2000/svg";

export class Chart {
  readonly figure = document.createElement("figure");
  private readonly svg = element("svg", { role: "img" });
  private readonly legend = document.createElement("ul");
  private readonly table = document.createElement("table");
  private drawn = 0;
  private width = USUAL_WIDTH;

  constructor(
    private readonly title: string,
    private readonly place: string,
    readonly lines: Line[],
    private readonly options: ChartOptions = {},
  ) {
    this.figure.className = "chart";
    this.legend.className = "legend";
    const caption = document.createElement("figcaption");
    caption.innerHTML = '<b></b>';
    caption.firstElementChild!.textContent = [readable(title), options.unit].filter(Boolean).join(", ");
    const buttons = document.createElement("span");
    buttons.append(this.button("PNG", () => void this.save()));
    if (options.step) buttons.append(" ", this.button("CSV", () => this.saveFigures()));
    caption.append(buttons);
    const details = document.createElement("details");
    details.innerHTML = "<summary>As a table</summary>";
    const scroll = document.createElement("div");
    scroll.className = "scroll";
    scroll.tabIndex = 0;
    scroll.append(this.table);
    details.append(scroll);
    this.figure.append(caption, this.svg, this.legend, details);
    new ResizeObserver(() => this.redraw()).observe(this.figure);
    this.draw();
  }

  private button(kind: string, work: () => void): HTMLButtonElement {
    const made = document.createElement("button");
    made.className = "button ghost small";
    made.type = "button";
    made.textContent = kind;
    made.ariaLabel = `Save ${readable(this.title)} as ${kind}`;
    made.addEventListener("click", work);
    return made;
  }

  // At most once for each picture the browser shows.
  redraw(): void {
    this.drawn ||= requestAnimationFrame(() => {
      this.drawn = 0;
      this.draw();
    });
  }

  private draw(): void {
    this.width = Math.max(this.figure.clientWidth || USUAL_WIDTH, LEAST_WIDTH);
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const lines = this.lines.filter((line) => line.x.length > 0);
    const { step = 0, least, most } = this.options;
    const isBars = this.options.kind === "bars";
    const [x0, x1] = this.options.span ?? extent(lines.flatMap((line) => [line.x[0]!, line.x.at(-1)!]));
    const values = isBars ? [0, ...stacked(lines).map((bar) => bar.to)] : lines.flatMap((line) => range(line.y));
    const [y0, y1] = padded(extent([...values, ...[least, most].filter((end) => end !== undefined)]), most);
    const toX = (x: number): number => EDGE.left + ((x - x0) / (x1 - x0 || 1)) * (this.width - EDGE.left - EDGE.right);
    const toY = (y: number): number => HEIGHT - EDGE.bottom - ((y - y0) / (y1 - y0 || 1)) * (HEIGHT - EDGE.top - EDGE.bottom);
    const parts: SVGElement[] = [];
    for (const y of ticks(y0, y1)) {
      parts.push(element("line", { class: "grid", x1: EDGE.left, x2: this.width - EDGE.right, y1: toY(y), y2: toY(y) }));
      parts.push(text(brief(y), { x: EDGE.left - 8, y: toY(y) + 4, "text-anchor": "end" }));
    }
    const placed = this.options.placed ?? brief;
    const places = this.options.places?.(x0, x1) ?? ticks(x0, x1);
    const every = Math.ceil((places.length * LABEL_WIDTH) / (this.width - EDGE.left - EDGE.right));
    for (const [at, x] of places.entries()) {
      if (step && at % every) continue;
      parts.push(text(placed(x), { x: toX(x), y: HEIGHT - EDGE.bottom + 18, "text-anchor": "middle" }));
    }
    const under = this.place === "time" && !step ? "seconds" : this.place;
    parts.push(text(under, { x: this.width - EDGE.right, y: HEIGHT - 6, "text-anchor": "end" }));
    parts.push(...(isBars ? this.bars(toX, toY) : this.paths(toX, toY)));
    this.svg.replaceChildren(...parts);
    this.svg.ariaLabel = `${readable(this.title)} by ${this.place}: ` + lines.map((line) => `${line.name} ${brief(line.y[0]!)} to ${brief(line.y.at(-1)!)}`).join(", ");
    this.writeLegend();
    this.writeTable();
  }

  private paths(toX: (x: number) => number, toY: (y: number) => number): SVGElement[] {
    const longest = this.options.step ? this.options.step * 1.5 : Infinity;
    return this.lines.flatMap((line, number) => {
      if (line.x.length === 0) return [];
      const begins = (at: number): boolean => at === 0 || line.x[at]! - line.x[at - 1]! > longest;
      const path = line.x.map((x, at) => `${begins(at) ? "M" : "L"}${toX(x).toFixed(1)} ${toY(line.y[at]!).toFixed(1)}`).join("");
      const dots = line.x.length < 30 ? line.x.map((x, at) => element("circle", { class: `dot${number % 6}`, cx: toX(x), cy: toY(line.y[at]!), r: 3 })) : [];
      return [element("path", { class: `line${number % 6}`, d: path, "stroke-dasharray": DASHES[number % 6]! }), ...dots];
    });
  }

  private bars(toX: (x: number) => number, toY: (y: number) => number): SVGElement[] {
    const width = Math.max((toX(this.options.step!) - toX(0)) * 0.8, 1);
    return stacked(this.lines).map((bar) => {
      const made = element("rect", {
        class: `dot${bar.number % 6}`, x: toX(bar.x) - width / 2, width, y: toY(bar.to),
        height: Math.max(toY(bar.from) - toY(bar.to) - 0.5, 0.5), "fill-opacity": bar.number < 6 ? 1 : 0.5,
      });
      return made;
    });
  }

  private writeLegend(): void {
    this.legend.replaceChildren(
      ...this.lines.map((line, number) => {
        const item = document.createElement("li");
        const sample = element("svg", { viewBox: "0 0 28 8", "aria-hidden": "true" });
        const isBars = this.options.kind === "bars";
        sample.append(
          isBars
            ? element("rect", { class: `dot${number % 6}`, width: 28, height: 8, "fill-opacity": number < 6 ? 1 : 0.5 })
            : element("path", { class: `line${number % 6}`, d: "M0 4L28 4", "stroke-dasharray": DASHES[number % 6]! }),
        );
        const last = isBars ? undefined : line.y.at(-1);
        item.append(sample, ` ${line.name}${last === undefined ? "" : ` ${brief(last)}`}`);
        return item;
      }),
    );
  }

  // A dozen points of each line: what a reader takes in. All of them are in the CSV.
  private writeTable(): void {
    const all = [...new Set(this.lines.flatMap((line) => line.x))].sort((a, b) => a - b);
    const step = Math.max(1, Math.ceil(all.length / TABLE_ROWS));
    const shown = all.filter((_, at) => at % step === 0 || at === all.length - 1);
    const head = document.createElement("tr");
    for (const name of [this.place, ...this.lines.map((line) => line.name)]) head.append(cell("th", name));
    const rows = shown.map((x) => {
      const row = document.createElement("tr");
      row.append(cell("td", (this.options.placed ?? brief)(x)));
      for (const line of this.lines) row.append(cell("td", nearest(line, x)));
      return row;
    });
    this.table.replaceChildren(head, ...rows);
  }

  private saveFigures(): void {
    const all = [...new Set(this.lines.flatMap((line) => line.x))].sort((a, b) => a - b);
    const rows = all.map((x) => [new Date(x * 1000).toISOString(), ...this.lines.map((line) => line.y[line.x.indexOf(x)] ?? "")]);
    const text = [["time", ...this.lines.map((line) => line.name)], ...rows].map((row) => row.map(quoted).join(",")).join("\n");
    offer(new Blob([text, "\n"], { type: "text/csv" }), `${this.title}.csv`);
  }

  private async save(): Promise<void> {
    const copy = this.svg.cloneNode(true) as SVGElement;
    const live = this.svg.querySelectorAll<SVGElement>("*");
    for (const [at, one] of copy.querySelectorAll<SVGElement>("*").entries()) {
      const style = getComputedStyle(live[at]!);
      for (const name of ["fill", "stroke", "stroke-width", "font-family", "font-size"]) one.setAttribute(name, style.getPropertyValue(name));
    }
    copy.setAttribute("xmlns", NS);
    copy.setAttribute("width", String(this.width * 2));
    copy.setAttribute("height", String(HEIGHT * 2));
    const picture = new Image();
    picture.src = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }));
    await picture.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [this.width * 2, HEIGHT * 2];
    const pen = canvas.getContext("2d")!;
    pen.fillStyle = getComputedStyle(this.figure).backgroundColor;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(picture.src);
    canvas.toBlob((blob) => blob && offer(blob, `${this.title}.png`));
  }
}

// As everything in a spreadsheet: a name that begins as a formula does is not one.
function quoted(value: string | number): string {
  if (typeof value === "number") return String(value);
  const said = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n]/.test(said) ? `"${said.replaceAll('"', '""')}"` : said;
}

function stacked(lines: Line[]): { number: number; x: number; from: number; to: number }[] {
  const tops = new Map<number, number>();
  return lines.flatMap((line, number) =>
    line.x.flatMap((x, at) => {
      const from = tops.get(x) ?? 0;
      const to = from + line.y[at]!;
      tops.set(x, to);
      return to > from ? [{ number, x, from, to }] : [];
    }),
  );
}

function offer(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function element(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== "") made.setAttribute(key, String(value));
  return made;
}

function text(said: string, attributes: Record<string, string | number>): SVGElement {
  const made = element("text", attributes);
  made.textContent = said;
  return made;
}

function cell(kind: "th" | "td", said: string): HTMLElement {
  const made = document.createElement(kind);
  made.textContent = said;
  made.className = "figure";
  return made;
}

function nearest(line: Line, x: number): string {
  const at = line.x.indexOf(x);
  return at < 0 ? "" : brief(line.y[at]!);
}

function range(values: number[]): [number, number] {
  return values.reduce<[number, number]>(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

function extent(values: number[]): [number, number] {
  const [low, high] = range(values);
  return low > high ? [0, 1] : low === high ? [low - 0.5, high + 0.5] : [low, high];
}

function padded([low, high]: [number, number], most?: number): [number, number] {
  const more = (high - low) * 0.05;
  return [low >= 0 ? Math.max(0, low - more) : low - more, most === undefined ? high + more : high];
}

export function ticks(low: number, high: number): number[] {
  const rough = (high - low) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, number) => (first + number) * step);
}

export function brief(value: number): string {
  return String(Number(value.toPrecision(4)));
}

export function readable(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
