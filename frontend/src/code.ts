// "Use from code": the current question in three languages.
import { snippets, type Question } from "./snippets";

export function followCode(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-ask]");
  const place = document.querySelector<HTMLElement>("[data-code]");
  if (!form || !place) return;
  const write = (): void => {
    const written = snippets(questionOf(form));
    for (const pre of place.querySelectorAll<HTMLElement>("pre")) {
      pre.textContent = written[pre.dataset["language"] as keyof typeof written];
    }
  };
  form.addEventListener("input", write);
  form.addEventListener("change", write);
  write();
  if (!navigator.clipboard) return; // over plain http a browser gives pages none
  for (const button of place.querySelectorAll<HTMLButtonElement>("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.closest("figure")!.querySelector("pre")!.textContent ?? "");
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
  }
}

function questionOf(form: HTMLFormElement): Question {
  const data = new FormData(form);
  const question: Question = { url: form.dataset["url"]!, task: form.dataset["task"]!, model: null, inputs: {}, files: {} };
  const model = data.get("fd-model");
  const isDefault = form.querySelector<HTMLInputElement>('[name="fd-model"]')?.checked ?? true;
  if (typeof model === "string" && !isDefault) question.model = model;
  for (const field of form.querySelectorAll<HTMLElement>(".field")) {
    const name = field.dataset["name"]!;
    const value = data.getAll(name).at(-1) ?? null;
    switch (field.dataset["kind"]) {
      case "image":
      case "drawing":
      case "file": {
        const chosen = data.get(`fd-gallery-${name}`);
        question.files[name] = value instanceof File && value.name ? value.name : String(chosen ?? "picture.jpg");
        break;
      }
      case "number":
      case "integer":
        if (value !== "") question.inputs[name] = Number(value);
        break;
      case "boolean":
        question.inputs[name] = value === "true";
        break;
      case "table":
      case "series":
        try {
          question.inputs[name] = JSON.parse(field.dataset["kind"] === "series" ? `[${value}]` : String(value));
        } catch {
          question.inputs[name] = value;
        }
        break;
      default:
        question.inputs[name] = value;
    }
  }
  return question;
}
