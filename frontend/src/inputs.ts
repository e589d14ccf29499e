// Finding an input, and putting a file into one as a person would.

export function inputOf(id: string): HTMLInputElement {
  return document.getElementById(id) as HTMLInputElement;
}

export function choose(input: HTMLInputElement, file: File): void {
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}
