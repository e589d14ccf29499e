// The page of schedules: times in the reader's own zone, and what a cron line means while it is typed.

interface Preview {
  says: string;
  next: string[];
}

const QUIET_MS = 300;

export function followSchedules(): void {
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-moment]")) time.textContent = moment(time.dateTime);
  const form = document.querySelector<HTMLFormElement>("[data-schedule]");
  if (!form) return;
  const cron = form.querySelector<HTMLInputElement>("[name=cron]")!;
  const zone = form.querySelector<HTMLInputElement>("[name=zone]")!;
  const shown = form.querySelector<HTMLElement>("[data-preview]")!;
  if (zone.value === "UTC") zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  let timer = 0;
  const look = (): void => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void preview(cron.value, zone.value, shown), QUIET_MS);
  };
  cron.addEventListener("input", look);
  zone.addEventListener("input", look);
  look();
}

async function preview(cron: string, zone: string, shown: HTMLElement): Promise<void> {
  const response = await fetch(`/api/schedules/preview?${new URLSearchParams({ cron, zone })}`).catch(() => null);
  if (!response) return;
  shown.hidden = false;
  if (!response.ok) {
    const problem = (await response.json()) as { errors?: { detail: string }[] };
    shown.textContent = problem.errors?.[0]?.detail ?? "That cannot be read.";
    return;
  }
  const { says, next } = (await response.json()) as Preview;
  const list = document.createElement("ul");
  for (const time of next) list.append(Object.assign(document.createElement("li"), { textContent: moment(time) }));
  shown.replaceChildren(Object.assign(document.createElement("b"), { textContent: `${says}.` }), list);
}

function moment(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: "full", timeStyle: "short" });
}
