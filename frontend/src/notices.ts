// What is told on every page: a count beside «Notices», a note in the corner, and the browser's own notice if allowed.

interface Notice {
  id: string;
  job: string | null;
  kind: string;
  title: string;
  state: string;
  reason: string | null;
  is_read: boolean;
}

const ENDS: Record<string, string> = { succeeded: "is processed", failed: "has failed", cancelled: "was cancelled" };
const ENDED = new Set(Object.keys(ENDS));
const SHOWN_MS = 12_000;
const LOOK_EVERY_MS = 20_000;
const NEWEST = 10;
const BROWSER_TELLS = "frontdesk-browser-tells";

export function followNotices(): void {
  const link = document.querySelector<HTMLAnchorElement>("[data-notices]");
  if (!link) return;
  offerBrowserNotices();
  let isLeader = false;
  const look = (): void => void tellNew(link, isLeader).catch(() => undefined);
  look();
  const others = new BroadcastChannel("frontdesk-news");
  others.onmessage = look;
  // Browsers keep few connections to one server, so of all its pages only one listens and tells the others.
  if ("locks" in navigator) {
    void navigator.locks.request("frontdesk-news", async () => {
      isLeader = true;
      const events = new EventSource("/api/events");
      const pass = (event: MessageEvent<string>): void => {
        if (!ENDED.has((JSON.parse(event.data) as { data: { state: string } }).data.state)) return;
        others.postMessage("");
        look();
      };
      events.addEventListener("state", pass);
      events.addEventListener("open", look);
      await new Promise(() => undefined); // for as long as the page is open
    });
  }
  setInterval(() => document.hidden || look(), LOOK_EVERY_MS);
}

async function tellNew(link: HTMLElement, isLeader: boolean): Promise<void> {
  const response = await fetch(`/api/notices?limit=${NEWEST}`);
  if (!response.ok) return;
  const { items } = (await response.json()) as { items: Notice[] };
  const unread = items.filter((notice) => !notice.is_read);
  showCount(link, unread.length);
  // What was told in this browser once is not told again, on whichever page.
  const key = `frontdesk-told-${link.dataset["notices"]}`;
  const told = sessionStorage.getItem(key) ?? localStorage.getItem(key);
  const newest = items[0]?.id ?? "";
  sessionStorage.setItem(key, newest > (told ?? "") ? newest : (told ?? ""));
  localStorage.setItem(key, sessionStorage.getItem(key)!);
  if (told === null) return;
  for (const notice of unread.filter((one) => one.id > told).reverse()) {
    showNote(notice);
    if (isLeader) tellByBrowser(notice);
  }
}

function showCount(link: HTMLElement, unread: number): void {
  link.querySelector<HTMLElement>(".unread")!.hidden = unread === 0;
  link.querySelector(".count")!.textContent = unread >= NEWEST ? `${NEWEST}+` : String(unread);
}

function sentence(notice: Notice): string {
  return notice.kind === "notice" ? notice.title : `${notice.title} ${ENDS[notice.state] ?? ""}`;
}

function showNote(notice: Notice): void {
  const note = document.createElement("div");
  note.className = `toast ${notice.state}`;
  const link = document.createElement("a");
  link.href = notice.job ? `/jobs/${notice.job}` : "/notices";
  link.textContent = sentence(notice);
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close";
  close.setAttribute("aria-label", "Close");
  close.textContent = "×";
  close.onclick = () => note.remove();
  note.append(link, close);
  if (notice.reason) {
    const reason = document.createElement("p");
    reason.className = "soft small";
    reason.textContent = notice.reason.split("\n\n")[0]!; // what it wrote last is on its own page
    note.append(reason);
  }
  corner().append(note);
  const leave = (): void => {
    if (note.matches(":hover, :focus-within")) setTimeout(leave, SHOWN_MS);
    else note.remove();
  };
  setTimeout(leave, SHOWN_MS);
}

function corner(): HTMLElement {
  return document.getElementById("toasts")!;
}

function tellByBrowser(notice: Notice): void {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  if (localStorage.getItem(BROWSER_TELLS) !== "yes") return;
  const shown = new Notification(sentence(notice), { body: notice.reason ?? "", tag: notice.id });
  shown.onclick = () => {
    window.focus();
    location.href = notice.job ? `/jobs/${notice.job}` : "/notices";
  };
}

function offerBrowserNotices(): void {
  const button = document.querySelector<HTMLButtonElement>("[data-allow-notices]");
  const said = document.querySelector<HTMLElement>("[data-browser-notices]");
  if (!button || !said) return;
  if (!("Notification" in window) || !isSecureContext) {
    said.textContent = "This browser cannot, or not over plain http.";
    return;
  }
  button.hidden = false;
  const show = (): void => {
    const is_on = Notification.permission === "granted" && localStorage.getItem(BROWSER_TELLS) === "yes";
    button.textContent = is_on ? "Stop telling me in this browser" : "Have this browser tell me";
    if (Notification.permission === "denied") {
      said.textContent = "This browser was told not to: allow notifications for this site in its settings first.";
      button.hidden = true;
    }
  };
  button.onclick = async () => {
    if (localStorage.getItem(BROWSER_TELLS) === "yes") localStorage.removeItem(BROWSER_TELLS);
    else if ((await Notification.requestPermission()) === "granted") localStorage.setItem(BROWSER_TELLS, "yes");
    show();
  };
  show();
}
