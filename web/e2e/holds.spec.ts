// Finding the best seats, and what becomes of seats that are held: in this window, in another, and when time is up.

import type { Page } from '@playwright/test';
import {
  arena, checkout, choosing, dateUrl, expect, holdButton, joinByApi, joinLine, makeSale, pickSeat, type Sale, test,
} from './stage.ts';
import type { Server } from './server.ts';

const find = (page: Page) => page.getByRole('button', { name: 'Find the best seats' });
const chips = (page: Page) => page.locator('.chip');
const wentBack = /The five minutes are over and your .*went back on sale\. Nothing was charged\./;

const heldCount = async (server: Server, page: Page) => {
  const jwt = await page.evaluate(() => (JSON.parse(localStorage.getItem('frontrow.places') ?? '[]') as { jwt: string }[])[0]?.jwt);
  const { holds } = await server.ask<{ holds: unknown[] }>('{ holds { id } }', {}, jwt);
  return holds.length;
};

/** The seats that the server itself would hold as the best, for a fan of its own. */
async function bestByServer(server: Server, sale: Sale, count: number): Promise<string[]> {
  const { token } = await joinByApi(server, sale);
  const hold = async () =>
    (await server.ask<{ holdBestSeats: { holds: { seat: { section: string; row: number; col: number } }[] | null } }>(
      'mutation($count: Int!) { holdBestSeats(input: { count: $count }) { holds { seat { section row col } } problem { code } } }', { count }, token,
    )).holdBestSeats.holds;
  let held: Awaited<ReturnType<typeof hold>>[] = [];
  await expect.poll(async () => (held = [await hold()])[0]?.length).toBe(count);
  return (held[0] ?? []).map(({ seat }) => `${seat.section}, row ${seat.row}, seat ${seat.col}`);
}

test('the best seats join the selection and are held only when the fan says so', async ({ page, server }) => {
  const sale = await makeSale(server);
  await joinLine(page, server, sale);
  await choosing(page);
  await pickSeat(page, /row 1, seat 1, .*free/);
  await find(page).click();
  await expect(page.getByRole('status').filter({ hasText: 'Standard, row 1, seats 5 to 6: the best seats left. Shall we hold your selection?' })).toBeVisible();
  await expect(chips(page)).toHaveText([/row 1, seat 1 /, /row 1, seat 5 /, /row 1, seat 6 /]);
  expect(await heldCount(server, page)).toBe(0);

  // Asked again, the found ones are replaced and the picked one stays.
  await page.getByLabel('How many together').selectOption('3');
  await find(page).click();
  await expect(chips(page)).toHaveText([/row 1, seat 1 /, /row 1, seat 4 /, /row 1, seat 5 /, /row 1, seat 6 /]);
  await page.getByRole('button', { name: 'No, thanks' }).click();
  await expect(chips(page)).toHaveText([/row 1, seat 1 /]);
  expect(await heldCount(server, page)).toBe(0);

  await page.getByLabel('How many together').selectOption('2');
  await find(page).click();
  await page.getByRole('button', { name: 'Hold 3 seats' }).click();
  await checkout(page);
  await expect(page.locator('.held li')).toHaveText([/Row 1 · Seat 1/, /Row 1 · Seat 5/, /Row 1 · Seat 6/]);
  expect(await heldCount(server, page)).toBe(3);
});

test('nothing is looked for before the seats are known', async ({ page, server }) => {
  let release = () => {};
  const known = new Promise<void>((resolve) => (release = resolve));
  await page.route(/\/graphql$/, async (route) => {
    if (/query SeatMap/.test(route.request().postData() ?? '')) await known;
    await route.continue();
  });
  await joinLine(page, server, await makeSale(server));
  await expect(page.getByRole('button', { name: 'Join the line' })).toHaveCount(0);
  await expect(find(page)).toHaveCount(0);
  release();
  await choosing(page);
  await find(page).click();
  await expect(chips(page)).toHaveCount(2);
});

test('with a full selection nothing is thrown out of it to find others', async ({ page, server }) => {
  const sale = await makeSale(server, { policy: { maxSeatsPerUser: 1 } });
  await joinLine(page, server, sale);
  await choosing(page);
  await pickSeat(page, /row 1, seat 1, .*free/);
  await expect(find(page)).toBeDisabled();
  await expect(page.getByText('Remove one to find others.')).toBeVisible();
});

test('what is proposed is what the server would choose, and it is told when there is nothing', async ({ page, server }) => {
  const sale = await makeSale(server, { sections: [{ name: 'Hall', rows: 2, cols: 7, price: 1_000 }] });
  await joinLine(page, server, sale);
  await choosing(page);
  for (const count of [3, 3, 2, 2]) {
    await page.getByLabel('How many together').selectOption(String(count));
    await find(page).click();
    await expect(chips(page)).toHaveCount(count);
    const proposed = (await chips(page).allInnerTexts()).map((text) => text.replace(/\s*×$/, ''));
    expect(proposed).toEqual(await bestByServer(server, sale, count));
    await expect(chips(page)).toHaveCount(0);
  }
  await page.getByLabel('How many together').selectOption('4');
  await find(page).click();
  await expect(page.getByText('No 4 free seats are side by side there.')).toBeVisible();
});

test('if somebody was faster, the next best are proposed and not held', async ({ page, server }) => {
  const sale = await makeSale(server);
  // The news of the seats are held up on the way, so that the page believes them to be free.
  await page.routeWebSocket(/\/graphql$/, (socket) => {
    const upstream = socket.connectToServer();
    upstream.onMessage((message) => {
      if (!/"snapshot":false/.test(String(message))) socket.send(message);
    });
  });
  await joinLine(page, server, sale);
  await choosing(page);
  await find(page).click();
  await expect(chips(page)).toHaveText([/seat 5 /, /seat 6 /]);
  await bestByServer(server, sale, 2);
  await holdButton(page).click();
  await expect(page.getByText('Somebody was faster.')).toBeVisible();
  await expect(page.getByText('Standard, row 1, seats 3 to 4: the best seats left.')).toBeVisible();
  expect(await heldCount(server, page)).toBe(0);
});

test('found seats are shown, also in an arena and on a phone', async ({ browser, server }) => {
  const phone = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, locale: 'en-GB', reducedMotion: 'reduce' });
  const page = await phone.newPage();
  const sale = await makeSale(server, { sections: arena });
  await joinLine(page, server, sale);
  await choosing(page);
  await expect(page.getByRole('button', { name: /Show Floor on the map.* 2,000 free/ })).toBeVisible();
  await find(page).tap();
  await expect(page.locator('.seatmap-where')).toHaveText(/Floor, rows 1 to \d+/);
  await expect(holdButton(page)).toBeInViewport({ ratio: 1 });
  await phone.close();
});

/** As if the holds of the page ended three seconds after it first hears of them. The server's five minutes are its own test. */
async function shortHolds(page: Page): Promise<void> {
  let end: number | undefined;
  await page.context().route('**/graphql', async (route) => {
    if (!route.request().postData()?.includes('query Holds')) return route.fallback();
    const response = await route.fetch();
    const answer = (await response.json()) as { data: { holds: { expiresAt: string }[] } };
    if (answer.data.holds.length > 0) end ??= Date.now() + 3_000;
    if (end !== undefined && Date.now() >= end) answer.data.holds = [];
    for (const hold of answer.data.holds) hold.expiresAt = new Date(end ?? 0).toISOString();
    return route.fulfill({ response, json: answer });
  });
}

/** Joins, holds two seats and is at the checkout. */
async function holdTwo(page: Page, server: Server, sale: Sale): Promise<void> {
  await joinLine(page, server, sale);
  await choosing(page);
  await find(page).click();
  await holdButton(page).click();
  await checkout(page);
}

test('a lapsed hold says that the seats went back and nothing was charged, here and back at the seats', async ({ page, server }) => {
  const sale = await makeSale(server);
  await shortHolds(page);
  await holdTwo(page, server, sale);
  await expect(page.getByText(wentBack)).toBeVisible();
  await page.reload();
  await expect(page.getByText(wentBack)).toBeVisible();
  await page.getByRole('link', { name: 'Choose seats again' }).click();
  await choosing(page);
  await expect(page.getByText(wentBack)).toBeVisible();
  await page.getByRole('button', { name: 'All right' }).click();
  await expect(page.getByText(wentBack)).toHaveCount(0);
  await page.reload();
  await choosing(page);
  await expect(page.getByText(wentBack)).toHaveCount(0);
  await page.context().unrouteAll({ behavior: 'ignoreErrors' });
});

test('a hold that lapses after the fan has gone elsewhere is told when the fan is back', async ({ page, server }) => {
  const sale = await makeSale(server);
  await shortHolds(page);
  await holdTwo(page, server, sale);
  await page.getByRole('link', { name: 'Wallet' }).click();
  await expect(page.getByRole('heading', { name: 'Wallet' })).toBeVisible();
  await page.goto(dateUrl(server, sale));
  await expect(page.getByText(wentBack)).toBeVisible();
  await page.context().unrouteAll({ behavior: 'ignoreErrors' });
});

test('a place that ends with its hold says what became of the seats', async ({ page, server }) => {
  const sale = await makeSale(server);
  // The place ends as it does when its session is over before the hold is.
  await page.routeWebSocket(/\/graphql$/, (socket) => {
    const upstream = socket.connectToServer();
    upstream.onMessage((message) => socket.send(message));
    setInterval(() => {
      if (!ended) return;
      socket.close({ code: 4401, reason: 'over' });
    }, 50);
  });
  let ended = false;
  await holdTwo(page, server, sale);
  ended = true;
  await expect(page.getByRole('heading', { name: 'Your time is over' })).toBeVisible();
  await expect(page.getByText(wentBack)).toBeVisible();
});

test('paid and given back is not lapsed', async ({ page, server }) => {
  const sale = await makeSale(server);
  await holdTwo(page, server, sale);
  await page.getByRole('button', { name: /Give back .*seat 5/ }).click();
  await expect(page.locator('.held li')).toHaveCount(1);
  await expect(page.locator('[data-lapsed]')).toHaveCount(0);
  await page.getByRole('button', { name: /^Charge 1/ }).click();
  await page.getByRole('button', { name: /^Pay / }).click();
  await expect(page.getByRole('heading', { name: 'You are going!' })).toBeVisible();
  expect(await page.evaluate(() => localStorage.getItem('frontrow.held'))).toBe('{}');
});

test('a second window shows the time of the hold, and follows what the first one does', async ({ page, server }) => {
  const sale = await makeSale(server);
  await joinLine(page, server, sale);
  await choosing(page);
  const second = await page.context().newPage();
  await second.goto(dateUrl(server, sale));
  await choosing(second);
  await expect(second.getByRole('timer')).toHaveText([/^(10:00|9:\d\d)$/]);

  await find(page).click();
  await holdButton(page).click();
  await checkout(page);
  await expect(second.getByRole('timer', { name: 'Yours for' })).toHaveText(/^(5:00|4:\d\d)$/);
  await expect(second.getByRole('timer').first()).toHaveAccessibleName('Yours for');
  await expect(second.getByRole('link', { name: /To checkout/ })).toBeVisible();
  // One that is opened now, too.
  const third = await page.context().newPage();
  await third.goto(dateUrl(server, sale));
  await expect(third.getByRole('timer').first()).toHaveText(/^(5:00|4:\d\d)$/);

  await page.getByRole('button', { name: /Give back .*seat 5/ }).click();
  await page.getByRole('button', { name: /Give back .*seat 6/ }).click();
  await expect(second.getByRole('timer', { name: 'Yours for' })).toHaveCount(0);
  await expect(second.locator('[data-lapsed]')).toHaveCount(0);
});
