// On a phone the tabs of a task are wider than the page: the one that is open must be in sight.
export function followTabs(): void {
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}
