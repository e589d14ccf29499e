// What changes by itself: tickets, lists, the status pane, and whether the server can be reached at all.
import { fragment } from "./fragments";

const LOOK_EVERY_MS = 5000;
const TOGETHER_MS = 200;

export function followLive(): void {
  watchServer();
  followTickets(document);
  for (const part of document.querySelectorAll<HTMLElement>("[data-live]")) followPart(part);
  setInterval(tellElapsed, 1000);
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-copy-link]")) offerLink(button);
}

// `jobs` changes with every news of a job, `states` (of models) by itself, `status` for both reasons.
function followPart(part: HTMLElement): void {
  const look = together(() => refresh(part, location.href));
  const kind = part.dataset["live"];
  if (kind !== "states") {
    const events = new EventSource("/api/events");
    events.addEventListener("state", look);
    events.addEventListener("open", look); // something may have happened before it was, or while it was lost
  }
  if (kind !== "jobs") setInterval(() => document.hidden || look(), LOOK_EVERY_MS);
}

export function followTickets(root: ParentNode): void {
  for (const ticket of root.querySelectorAll<HTMLElement>("[data-ticket]")) {
    const id = ticket.dataset["ticket"]!;
    if (ticket.querySelector("[data-state=succeeded],[data-state=failed],[data-state=cancelled]")) continue;
    const events = new EventSource(`/api/jobs/${id}/events`);
    const look = together(async () => {
      await refresh(ticket, `/jobs/${id}`);
      for (const button of ticket.querySelectorAll<HTMLButtonElement>("[data-copy-link]")) offerLink(button);
    });
    events.addEventListener("state", look);
    events.addEventListener("progress", look);
    events.addEventListener("end", () => {
      events.close();
      look();
    });
    const timer = setInterval(() => {
      if (events.readyState === EventSource.CLOSED || !ticket.isConnected) clearInterval(timer);
      else look(); // the place in line moves without news of this ticket
    }, LOOK_EVERY_MS);
  }
}

async function refresh(part: HTMLElement, address: string): Promise<void> {
  const text = await fragment(address).catch(() => null);
  // Nor is a part replaced under the hands of somebody who types or ticks in it.
  if (text === null || !part.isConnected || part.contains(focused()) || part.querySelector("input:checked")) return;
  // What reads the page aloud, or has a part of it marked, is disturbed only by what is new.
  if (shown.get(part) !== text) part.innerHTML = text;
  shown.set(part, text);
}

const shown = new WeakMap<HTMLElement, string>();

function tellElapsed(): void {
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-since]")) {
    const seconds = Math.max(0, (Date.now() - Date.parse(time.dateTime)) / 1000);
    time.textContent = `${duration(seconds)} ago`;
  }
}

// As the server writes it: in the largest unit of which there are two.
function duration(seconds: number): string {
  const units = [[86_400, "days"], [3600, "h"], [60, "min"]] as const;
  const [size, unit] = units.find(([size]) => seconds >= 2 * size) ?? [1, "s"];
  return `${(seconds / size).toFixed(0)} ${unit}`;
}

function focused(): Element | null {
  const active = document.activeElement;
  return active?.matches("button, input, select, textarea, summary") ? active : null;
}

function together(run: () => unknown): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      run();
    }, TOGETHER_MS);
  };
}

function watchServer(): void {
  const banner = document.getElementById("unreachable")!;
  const look = async (): Promise<void> => {
    try {
      banner.hidden = (await fetch("/livez", { cache: "no-store" })).ok;
    } catch {
      banner.hidden = false;
    }
  };
  setInterval(() => void look(), LOOK_EVERY_MS / 2);
  addEventListener("online", () => void look());
}

function offerLink(button: HTMLButtonElement): void {
  if (!navigator.clipboard) return; // over plain http a browser gives pages none; the address bar has the link, too
  button.hidden = false;
  button.onclick = async () => {
    const id = button.closest<HTMLElement>("[data-ticket]")?.dataset["ticket"];
    await navigator.clipboard.writeText(new URL(id ? `/jobs/${id}` : location.href, location.href).href);
    button.textContent = "Copied";
  };
}
