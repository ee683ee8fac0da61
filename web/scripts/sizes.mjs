// What a fan loads before the page works, gzipped; more than the budget fails the build.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const BUDGET_KIB = 150;

/** The files that a page names, and what they import in turn. */
function loadedBy(page) {
  const found = new Set();
  const visit = (text) => {
    for (const [, name] of text.matchAll(/["'(](?:\.?\/)?(?:assets\/)?([\w.-]+\.(?:js|css|woff2))["')]/g)) {
      if (found.has(name)) continue;
      found.add(name);
      if (!name.endsWith('.woff2')) visit(readFileSync(join(dist, 'assets', name), 'utf8'));
    }
  };
  visit(readFileSync(join(dist, page), 'utf8'));
  return [...found];
}

const kib = (name) => gzipSync(readFileSync(join(dist, 'assets', name))).length / 1024;
for (const page of ['index.html', 'organiser/index.html']) {
  const files = loadedBy(page);
  const of = (end) => files.filter((name) => name.endsWith(end)).reduce((sum, name) => sum + kib(name), 0);
  const parts = ['js', 'css', 'woff2'].map((end) => `${end} ${of(`.${end}`).toFixed(1)}`);
  const all = files.reduce((sum, name) => sum + kib(name), 0);
  console.log(`${page}: ${all.toFixed(1)} KiB gzipped (${parts.join(', ')})`);
  if (page === 'index.html' && all > BUDGET_KIB) {
    console.error(`the fan's page is over its budget of ${BUDGET_KIB} KiB`);
    process.exitCode = 1;
  }
}
