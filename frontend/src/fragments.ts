// Parts of pages, fetched from the addresses of the pages themselves.

export async function fragment(address: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(address, { ...init, headers: { "X-Fragment": "1", Accept: "text/html" } });
  const text = await response.text();
  if (response.ok || response.status === 422) return text;
  const told = new DOMParser().parseFromString(text, "text/html").querySelector("main");
  return told?.innerHTML.replaceAll(/<(\/?)h1\b/g, "<$1h2") ?? ""; // within a page it is not the title
}
