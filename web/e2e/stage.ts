// What the tests are set on: a server for each worker, concerts made for one test, fans who come by the API.

import { randomUUID } from 'node:crypto';
import { expect, type Page, test as base } from '@playwright/test';
import { Server } from './server.ts';

export interface Sale {
  concertId: string;
  seriesId: string;
  title: string;
}

interface Plan {
  title?: string;
  opensInMs?: number;
  sections?: { name: string; rows: number; cols: number; price: number }[];
  policy?: Record<string, number | null>;
}

/** The sections of a house of 5,000 seats. */
export const arena = [
  { name: 'Floor', rows: 40, cols: 50, price: 150_000 },
  { name: 'Tier West', rows: 30, cols: 50, price: 90_000 },
  { name: 'Tier East', rows: 30, cols: 50, price: 90_000 },
];

export interface ApiFan {
  token: string;
  tokenId: string;
}

export const test = base.extend<{ watch: undefined }, { server: Server }>({
  server: [
    async ({}, use) => {
      const server = new Server();
      await server.start();
      await use(server);
      await server.stop();
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  // Whatever a page asks of another host, and whatever its policy refuses, fails its test.
  watch: [
    async ({ context, server }, use) => {
      const wrong: string[] = [];
      const own = new URL(server.url).host;
      context.on('request', (request) => {
        const url = new URL(request.url());
        if (url.protocol.startsWith('http') && url.host !== own) wrong.push(`asked ${url.host}`);
      });
      context.on('console', (message) => {
        if (/Content Security Policy/i.test(message.text())) wrong.push(message.text());
      });
      context.on('weberror', (error) => wrong.push(String(error.error())));
      await use(undefined);
      expect(wrong).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** A concert with one date on sale, made for one test alone. */
export async function makeSale(server: Server, { title = `Soundtracks ${randomUUID().slice(0, 8)}`, opensInMs = -60_000, sections, policy }: Plan = {}): Promise<Sale> {
  const organiser = server.token('org', 'ORGANIZER');
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  const day = 24 * 3_600_000;
  const { createConcert } = await server.ask<{ createConcert: { id: string } }>(
    'mutation($title: String!) { createConcert(input: { title: $title }) { id } }',
    { title },
    organiser,
  );
  const { createSeries } = await server.ask<{ createSeries: { id: string } }>(
    'mutation($input: CreateSeriesInput!) { createSeries(input: $input) { id } }',
    {
      input: {
        concertId: createConcert.id,
        startAt: at(30 * day),
        endAt: at(30 * day + 7_200_000),
        reserveStartAt: at(opensInMs),
        reserveEndAt: at(29 * day),
        sections,
        // The fans who come by the API are not heard of again, however long a slow browser takes.
        queuePolicy: { heartbeatTimeoutSeconds: 3_600, ...policy },
      },
    },
    organiser,
  );
  return { concertId: createConcert.id, seriesId: createSeries.id, title };
}

/** A fan without a browser joins the line. */
export async function joinByApi(server: Server, sale: Sale): Promise<ApiFan> {
  const { issueToken } = await server.ask<{ issueToken: ApiFan }>(
    'mutation($input: IssueTokenInput!) { issueToken(input: $input) { token tokenId } }',
    { input: { seriesId: sale.seriesId, userId: randomUUID(), name: 'Somebody' } },
  );
  return issueToken;
}

export const leaveByApi = (server: Server, fan: ApiFan) =>
  server.ask('mutation { leaveQueue { status } }', {}, fan.token);

/** A fan without a browser holds the best four seats, as soon as it is admitted. */
export async function holdByApi(server: Server, fan: ApiFan): Promise<void> {
  const hold = async () => {
    const { holdBestSeats } = await server.ask<{ holdBestSeats: { holds: { id: string }[] | null } }>(
      'mutation { holdBestSeats(input: { count: 4 }) { holds { id } problem { code } } }',
      {},
      fan.token,
    );
    return holdBestSeats.holds?.length;
  };
  await expect.poll(hold).toBe(4);
}

export const dateUrl = (server: Server, sale: Sale) => `${server.url}/#/concert/${sale.concertId}/${sale.seriesId}`;

/** Opens a date and takes a place in its line. */
export async function joinLine(page: Page, server: Server, sale: Sale, name = 'Haru Kim'): Promise<void> {
  await page.goto(dateUrl(server, sale));
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join the line' }).click();
}

export const choosing = (page: Page) => expect(page.getByRole('heading', { name: 'Choose your seats' })).toBeVisible();

/** Moves the cursor of the seat map to a seat and selects it, by keyboard. */
export async function pickSeat(page: Page, label: RegExp): Promise<void> {
  const map = page.getByRole('grid', { name: 'Seat map' });
  await map.focus();
  const cell = map.getByRole('gridcell');
  await page.keyboard.press('Home');
  for (let moves = 0; moves < 60 && !label.test(await cell.innerText()); moves++) {
    await page.keyboard.press('ArrowRight');
  }
  await expect(cell).toHaveText(label);
  await page.keyboard.press('Enter');
  await expect(cell).toHaveText(/selected/);
}

export const holdButton = (page: Page) => page.getByRole('button', { name: /^Hold \d/ });
export const checkout = (page: Page) => expect(page.getByRole('heading', { name: 'Checkout' })).toBeVisible();

/** Moves the mouse down the map until it is over a seat, and the page has said so with a tip that fits. */
export async function hoverSeat(page: Page, fits: RegExp = /./): Promise<void> {
  const tip = page.locator('.seatmap-tip');
  const view = page.locator('.seatmap-view');
  // From the top of the window on: at its bottom the tray may lie over the map.
  await view.evaluate((element) => element.scrollIntoView({ block: 'start' }));
  const box = (await view.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  const x = box.x + box.width * 0.45;
  for (let y = box.y + 20; y < box.y + box.height; y += 4) {
    await page.mouse.move(x, y);
    // However slow the machine is: the page has drawn what it makes of this move.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    if (fits.test((await tip.allInnerTexts()).join())) return;
  }
  await expect(tip).toHaveText(fits);
}
