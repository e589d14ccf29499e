// Asking without leaving the page: once for each press, with the time it takes.
import { fragment } from "./fragments";
import { followTickets } from "./live";

export function followAsking(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-ask]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void ask(form, event.submitter);
    });
  }
}

async function ask(form: HTMLFormElement, submitter: HTMLElement | null): Promise<void> {
  const isOfItself = submitter === null; // a stroke ended: the hand may still be drawing
  if (form.ariaBusy === "true") {
    if (isOfItself) form.dataset["again"] = "";
    return;
  }
  const answer = document.getElementById("answer")!;
  const data = new FormData(form, submitter);
  const buttons = form.querySelectorAll<HTMLButtonElement>("button[type=submit]");
  const stopClock = startClock(form.querySelector<HTMLElement>("[data-elapsed]")!);
  const focused = document.activeElement;
  form.ariaBusy = answer.ariaBusy = "true";
  for (const button of buttons) button.disabled = true;
  try {
    answer.innerHTML = await fragment(form.action, { method: "POST", body: data });
    markFaults(form, answer);
    followTickets(answer);
    if (!isOfItself) answer.scrollIntoView({ block: "nearest" });
  } catch {
    answer.innerHTML = '<p class="fault" role="alert">The server cannot be reached. Nothing was lost; ask again in a moment.</p>';
  } finally {
    stopClock();
    form.ariaBusy = answer.ariaBusy = null;
    for (const button of buttons) button.disabled = false;
    // A button that is disabled has lost the focus, and whoever asks by keyboard their place.
    if (document.activeElement === document.body && focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }
  if (form.dataset["again"] === undefined) return;
  delete form.dataset["again"];
  form.requestSubmit();
}

function startClock(place: HTMLElement): () => void {
  const began = performance.now();
  const timer = setInterval(() => {
    place.hidden = false;
    place.textContent = `${((performance.now() - began) / 1000).toFixed(1)} s`;
  }, 100);
  return () => {
    clearInterval(timer);
    place.hidden = true;
  };
}

function markFaults(form: HTMLFormElement, answer: HTMLElement): void {
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  const links = answer.querySelectorAll<HTMLAnchorElement>('.fault a[href^="#in-"]');
  for (const link of links) form.querySelector(link.hash)?.setAttribute("aria-invalid", "true");
  const first = links[0];
  if (first) form.querySelector<HTMLElement>(first.hash)?.focus();
}
