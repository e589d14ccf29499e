// Files that are dragged onto a part of a page.
export function followDrop(place: HTMLElement, take: (files: FileList) => void): void {
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("over");
  });
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    const files = event.dataTransfer?.files;
    if (files?.length) take(files);
  });
}
