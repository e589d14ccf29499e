// Fields that need more than HTML: sliders in step with their boxes, pictures, drawings.
import { DRAWN, followDrawing } from "./drawing";
import { followDrop } from "./dropping";
import { choose, inputOf } from "./inputs";

export function followFields(): void {
  for (const slider of document.querySelectorAll<HTMLInputElement>("input[data-pair]")) pair(slider);
  for (const drop of document.querySelectorAll<HTMLElement>("[data-drop]")) followPicture(drop);
  for (const canvas of document.querySelectorAll<HTMLCanvasElement>("canvas[data-draw]")) followDrawing(canvas);
}

function pair(slider: HTMLInputElement): void {
  const box = inputOf(slider.dataset["pair"]!);
  const isLog = slider.dataset["log"] !== undefined;
  const whole = box.closest<HTMLElement>(".field")?.dataset["kind"] === "integer";
  slider.addEventListener("input", () => {
    box.value = isLog ? ofLog(slider, whole) : slider.value;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  });
  box.addEventListener("input", () => (slider.value = isLog ? String(Math.log10(Number(box.value))) : box.value));
}

// Two digits are as fine as a hand moves; the ends are exact.
function ofLog(slider: HTMLInputElement, whole: boolean): string {
  const value = 10 ** Number(slider.value);
  const rounded = Number(value.toPrecision(slider.value === slider.min || slider.value === slider.max ? 12 : 2));
  return String(whole ? Math.round(rounded) : rounded);
}

function followPicture(drop: HTMLElement): void {
  const input = inputOf(drop.dataset["drop"]!);
  const preview = drop.querySelector<HTMLImageElement>(".preview")!;
  const gallery = drop.parentElement!.querySelectorAll<HTMLInputElement>(".gallery input");
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    preview.hidden = !file || file.name === DRAWN; // a drawing is on its canvas to be seen
    if (!file) return;
    preview.src = URL.createObjectURL(file);
    for (const radio of gallery) radio.checked = false;
  });
  for (const radio of gallery) {
    radio.addEventListener("change", () => {
      input.value = "";
      preview.hidden = true;
    });
  }
  followDrop(drop, (files) => choose(input, files[0]!));
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (file) choose(input, file);
  });
  offerCamera(drop.querySelector<HTMLButtonElement>("[data-camera]")!, input);
}

function offerCamera(button: HTMLButtonElement, input: HTMLInputElement): void {
  if (!navigator.mediaDevices) return;
  button.hidden = false;
  button.addEventListener("click", () => void takePicture(input));
}

async function takePicture(input: HTMLInputElement): Promise<void> {
  const dialog = document.createElement("dialog");
  dialog.innerHTML =
    '<video autoplay playsinline muted></video><p class="fault" hidden></p><div class="row"><button class="button" type="button">Take the picture</button><button class="button ghost" type="button">Close</button></div>';
  document.body.append(dialog);
  dialog.showModal();
  const video = dialog.querySelector("video")!;
  const [take, close] = dialog.querySelectorAll("button");
  let stream: MediaStream | undefined;
  const end = (): void => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    dialog.remove();
  };
  dialog.addEventListener("close", end);
  close!.onclick = () => dialog.close();
  take!.onclick = () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d")!.drawImage(video, 0, 0);
    canvas.toBlob((blob) => {
      if (blob) choose(input, new File([blob], "camera.jpg", { type: "image/jpeg" }));
      dialog.close();
    }, "image/jpeg");
  };
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    video.srcObject = stream;
  } catch {
    const told = dialog.querySelector<HTMLElement>(".fault")!;
    told.hidden = false;
    told.textContent = "The camera cannot be used. Allow it in the browser, or choose a file.";
    take!.disabled = true;
  }
}
