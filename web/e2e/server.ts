// A real server for the tests: the binary named by FRONTROW_BIN, on a free port and a data folder of its own.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preview, type PreviewServer } from 'vite';

/** What a slow disk does to a sale is not the matter of these tests: where Linux has a file system in memory, it is used. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const binary = process.env['FRONTROW_BIN'] ?? fileURLToPath(new URL('../../target/debug/frontrow', import.meta.url));

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

async function until(ready: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 30_000;
  while (Date.now() < end) {
    if (await ready().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what} within 30 seconds`);
}

/** What a server that has the pages answers with; the same policy is set where they are served beside it. */
export const POLICY =
  "default-src 'self'; script-src 'self'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; " +
  "connect-src 'self'; img-src 'self' data:; font-src 'self' data:";

export class Server {
  /** Where the browser goes. */
  url = '';
  #process: ChildProcess | null = null;
  #pages: PreviewServer | null = null;
  readonly #data = mkdtempSync(join(MEMORY, 'frontrow-e2e-'));
  #port = 0;
  #output = '';

  get api(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    this.#port ||= await freePort();
    const child = spawn(binary, ['serve', '--demo', '--listen', `127.0.0.1:${this.#port}`, '--data', this.#data], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    const hear = (chunk: Buffer) => (this.#output = (this.#output + String(chunk)).slice(-8_000));
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    const ready = async () => {
      if (child.exitCode !== null) throw new Error('the server has ended');
      return (await fetch(`${this.api}/health/ready`)).ok;
    };
    await until(ready, `the server is ready\n${this.#output}`).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.#output}`);
    });
    this.url ||= await this.#pagesUrl();
  }

  /** A binary that carries the pages serves them; beside one that does not, Vite serves `dist`. */
  async #pagesUrl(): Promise<string> {
    const page = await fetch(`${this.api}/`, { headers: { accept: 'text/html' } });
    if (page.ok && (await page.text()).includes('/assets/fan')) return this.api;
    this.#pages = await preview({
      root: fileURLToPath(new URL('..', import.meta.url)),
      logLevel: 'silent',
      appType: 'mpa',
      preview: {
        host: '127.0.0.1',
        port: await freePort(),
        headers: { 'content-security-policy': POLICY },
        proxy: { '/graphql': { target: this.api, ws: true } },
      },
    });
    const url = this.#pages.resolvedUrls?.local[0];
    if (url === undefined) throw new Error('the pages have no address');
    return url.replace(/\/$/, '');
  }

  /** Ends the process at once, as a crash would. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return;
    await new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill('SIGKILL');
    });
  }

  async stop(): Promise<void> {
    await this.kill();
    await this.#pages?.close();
    rmSync(this.#data, { recursive: true, force: true });
  }

  /** An identity token with that role, signed with the server's own key. */
  token(user: string, role: string): string {
    const out = execFileSync(binary, ['token', '--data', this.#data, '--user', user, '--name', user, '--role', role], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const found = /[\w-]+\.[\w-]+\.[\w-]+/.exec(out)?.[0];
    if (found === undefined) throw new Error(`no token in: ${out}`);
    return found;
  }

  /** Runs one operation and returns its data; an error fails the test. */
  async ask<T>(query: string, variables: Record<string, unknown> = {}, token?: string): Promise<T> {
    const response = await fetch(`${this.api}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data?: T; errors?: unknown };
    if (errors !== undefined || data === undefined) throw new Error(JSON.stringify(errors));
    return data;
  }
}
