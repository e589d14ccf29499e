// A canvas to draw on with mouse, pen or finger. What is drawn becomes the field's file when a stroke ends, and is
// asked about at once where the page says so.
import { choose, inputOf } from "./inputs";

export const DRAWN = "drawing.png";
const IDLE_MS = 5000;
const REMEMBERED = "fd-keep-drawings";

export function followDrawing(canvas: HTMLCanvasElement): void {
  const input = inputOf(canvas.dataset["draw"]!);
  const tools = document.querySelector<HTMLElement>(`[data-tools="${input.id}"]`)!;
  const clears = tools.querySelector<HTMLInputElement>("input")!;
  const paper = new Paper(canvas);
  let idle: ReturnType<typeof setTimeout> | undefined;
  let strokes = 0;

  const wipe = (): void => {
    strokes += 1; // a picture of the old strokes that is still being made is not wanted any more
    clearTimeout(idle);
    paper.wipe();
  };
  const clear = (): void => {
    wipe();
    delete input.form!.dataset["again"];
    input.value = "";
  };
  const rest = (): void => {
    clearTimeout(idle);
    if (clears.checked && input.files?.[0]?.name === DRAWN) idle = setTimeout(clear, IDLE_MS);
  };
  const end = (): void => {
    const drawn = (strokes += 1);
    canvas.toBlob((blob) => {
      if (!blob || drawn !== strokes) return;
      choose(input, new File([blob], DRAWN, { type: "image/png" }));
      rest();
      if (canvas.dataset["onStroke"] !== undefined && input.form!.checkValidity()) input.form!.requestSubmit();
    });
  };

  canvas.hidden = tools.hidden = false;
  clears.checked = !remembered();
  clears.addEventListener("change", () => {
    remember(!clears.checked);
    rest();
  });
  tools.querySelector("button")!.addEventListener("click", clear);
  input.addEventListener("change", () => {
    if (input.files?.[0]?.name !== DRAWN) wipe(); // one of the two is asked about, and it is to be seen which
  });
  followPen(canvas, paper, () => clearTimeout(idle), end);
  wipe();
}

function followPen(canvas: HTMLCanvasElement, paper: Paper, begin: () => void, end: () => void): void {
  let pen: number | undefined;
  canvas.addEventListener("pointerdown", (event) => {
    if (pen !== undefined || event.button !== 0) return; // a second finger does not draw
    pen = event.pointerId;
    canvas.setPointerCapture(pen);
    begin();
    paper.begin(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pen) return;
    const between = event.getCoalescedEvents();
    for (const one of between.length ? between : [event]) paper.follow(one);
  });
  for (const over of ["pointerup", "pointercancel"] as const) {
    canvas.addEventListener(over, (event) => {
      if (event.pointerId !== pen) return;
      pen = undefined;
      paper.end(event);
      end();
    });
  }
}

type Point = readonly [number, number];

class Paper {
  private readonly pen: CanvasRenderingContext2D;
  private last: Point = [0, 0];
  private middle: Point = [0, 0];

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.pen = canvas.getContext("2d")!;
  }

  wipe(): void {
    this.pen.fillStyle = "#000"; // 0 is paper, 255 is ink
    this.pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  begin(event: PointerEvent): void {
    Object.assign(this.pen, { strokeStyle: "#fff", lineWidth: this.canvas.width / 14, lineCap: "round", lineJoin: "round" });
    this.last = this.middle = this.at(event);
    this.line(this.last, [this.last[0] + 0.01, this.last[1]]); // a line of no length would leave no dot
  }

  // From middle to middle of what the pen reports, bent by the points: no corners however fast the hand.
  follow(event: PointerEvent): void {
    const point = this.at(event);
    const middle: Point = [(this.last[0] + point[0]) / 2, (this.last[1] + point[1]) / 2];
    this.line(this.middle, middle, this.last);
    [this.last, this.middle] = [point, middle];
  }

  end(event: PointerEvent): void {
    if (event.type === "pointerup") this.line(this.middle, this.at(event));
  }

  private line(from: Point, to: Point, by: Point = from): void {
    this.pen.beginPath();
    this.pen.moveTo(...from);
    this.pen.quadraticCurveTo(...by, ...to);
    this.pen.stroke();
  }

  private at(event: PointerEvent): Point {
    const box = this.canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left - this.canvas.clientLeft) * this.canvas.width) / this.canvas.clientWidth,
      ((event.clientY - box.top - this.canvas.clientTop) * this.canvas.height) / this.canvas.clientHeight,
    ];
  }
}

// A browser may forbid storage; then the switch holds as long as the page.
function remembered(): boolean {
  try {
    return localStorage.getItem(REMEMBERED) !== null;
  } catch {
    return false;
  }
}

function remember(keeps: boolean): void {
  try {
    if (keeps) localStorage.setItem(REMEMBERED, "yes");
    else localStorage.removeItem(REMEMBERED);
  } catch {
    return;
  }
}
