// Files on their way: dropped or chosen, with the progress of what takes more than a moment.
import { followDrop } from "./dropping";

export function followUploads(): void {
  for (const drop of document.querySelectorAll<HTMLElement>("[data-drop-file]")) {
    const input = document.getElementById(drop.dataset["dropFile"]!) as HTMLInputElement;
    followDrop(drop, (files) => (input.files = files));
  }
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-upload]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (form.ariaBusy !== "true") send(form);
    });
  }
}

// fetch cannot tell how much has been sent; XMLHttpRequest can.
function send(form: HTMLFormElement): void {
  const request = new XMLHttpRequest();
  const progress = form.querySelector<HTMLProgressElement>("[data-upload-progress]")!;
  const button = form.querySelector<HTMLButtonElement>("button[type=submit]")!;
  const end = (): void => {
    form.ariaBusy = null;
    button.disabled = false;
    progress.hidden = true;
  };
  request.upload.onprogress = (event) => {
    progress.hidden = false;
    // All is sent, and now it is read and checked: nobody knows for how long.
    if (event.lengthComputable && event.loaded < event.total) progress.value = (100 * event.loaded) / event.total;
    else progress.removeAttribute("value");
  };
  request.onerror = () => {
    end();
    show(form, '<p class="fault">The server cannot be reached. Nothing was started; try again in a moment.</p>');
  };
  request.onload = () => {
    if (request.status < 400) {
      location.assign(request.responseURL);
      return;
    }
    end();
    const answer = new DOMParser().parseFromString(request.responseText, "text/html");
    const told = answer.querySelector(".fault-list")?.innerHTML ?? answer.querySelector("main")?.innerHTML;
    show(form, told ?? `<p class="fault">The server answered ${request.status}.</p>`);
  };
  form.ariaBusy = "true";
  button.disabled = true;
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/html");
  request.send(new FormData(form));
}

function show(form: HTMLFormElement, text: string): void {
  const place = form.querySelector<HTMLElement>(".fault-list") ?? document.createElement("div");
  place.className = "fault-list";
  place.setAttribute("role", "alert");
  place.tabIndex = -1;
  place.innerHTML = text;
  form.prepend(place);
  place.focus();
}
