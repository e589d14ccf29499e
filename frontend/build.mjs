// Builds the pages' script and styles into the package, and puts the API viewer beside them.
import { cp, mkdir } from "node:fs/promises";
import { build } from "esbuild";

const out = "../src/frontdesk/serve/static";

await mkdir(`${out}/docs`, { recursive: true });
await build({
  entryPoints: ["src/app.ts", "src/app.css"],
  outdir: out,
  bundle: true,
  minify: true,
  target: ["es2022", "chrome111", "firefox113", "safari16.4"],
  sourcemap: false,
});
await cp("src/icon.svg", `${out}/icon.svg`);
for (const name of ["swagger-ui.css", "swagger-ui-bundle.js"]) {
  await cp(`node_modules/swagger-ui-dist/${name}`, `${out}/docs/${name}`);
}
