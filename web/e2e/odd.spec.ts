// What should not be, and is: broken addresses, broken rows, answers without data, damaged storage.

import type { Page } from '@playwright/test';
import { dateUrl, expect, joinLine, makeSale, test } from './stage.ts';

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name });

/** Puts another answer in the place of the server's for the operation of that name. */
async function answering(page: Page, operation: string, change: (answer: Record<string, any>) => unknown): Promise<void> {
  await page.route('**/graphql', async (route) => {
    if (!new RegExp(`(query|mutation) ${operation}\\b`).test(route.request().postData() ?? '')) return route.fallback();
    const response = await route.fetch();
    return route.fulfill({ response, json: change((await response.json()) as Record<string, any>) });
  });
}

test('a broken address shows the concerts, on both pages', async ({ page, server }) => {
  await makeSale(server);
  for (const hash of ['#/%', '#/%E0%A4%A', '#/__proto__', '#/concert/__proto__', '#/concert/1/2/3', '#/nowhere', '#/concert/%ff']) {
    await page.goto(`${server.url}/${hash}`);
    await page.reload();
    await expect(heading(page, 'Every seat is won fairly.'), hash).toBeVisible();
    await expect(page.locator('.poster').first(), hash).toBeVisible();
  }
  // The same while the page is open already.
  await page.goto(`${server.url}/#/wallet`);
  await expect(heading(page, 'Wallet')).toBeVisible();
  await page.evaluate(() => (location.hash = '#/%E0%A4%A'));
  await expect(page.locator('.poster').first()).toBeVisible();

  await page.goto(`${server.url}/organiser/#/concert/%E0%A4%A`);
  await page.getByLabel('Identity token').fill(server.token('org', 'ORGANIZER'));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(heading(page, 'My concerts')).toBeVisible();
  await page.evaluate(() => (location.hash = '#/%'));
  await expect(page.locator('.rows a').first()).toBeVisible();
});

test('an address of a concert or a date that is not there says so and leads on', async ({ page, server }) => {
  const sale = await makeSale(server);
  const nobody = '0198c2b0-0000-7000-8000-000000000000';
  await page.goto(`${server.url}/#/concert/${nobody}`);
  await expect(heading(page, /not here/)).toBeVisible();
  await page.goto(`${server.url}/#/concert/${sale.concertId}/${nobody}`);
  await expect(heading(page, /not here/)).toBeVisible();
  await page.getByRole('link', { name: 'All concerts' }).click();
  await expect(page.locator('.poster').first()).toBeVisible();
});

const strange = ['+12345-01-01T00:00:00Z', '2026-12-26T12:00:60Z', 'soon', '', null, 7];

test('a date that cannot be read takes nothing else down', async ({ page, server }) => {
  const sale = await makeSale(server);
  const sound = await makeSale(server);
  await answering(page, 'Concerts', ({ data }) => {
    for (const concert of data.concerts.nodes) {
      if (concert.id !== sale.concertId) continue;
      const [date] = concert.series;
      concert.series = strange.map((startAt, nth) => ({ ...date, id: `${date.id}-${nth}`, startAt }));
    }
    return { data };
  });
  await answering(page, 'Concert', ({ data }) => {
    const [date] = data.concert.series;
    data.concert.series = [date, ...strange.map((at, nth) => ({ ...date, id: `${date.id}-${nth}`, startAt: at, endAt: at, reserveStartAt: at, status: 'UPCOMING' }))];
    return { data };
  });
  await page.goto(server.url);
  await expect(page.getByRole('link', { name: new RegExp(sound.title) })).toBeVisible();
  await expect(page.getByRole('link', { name: new RegExp(sale.title) })).toContainText('12345');
  await page.goto(`${server.url}/#/concert/${sale.concertId}`);
  await expect(page.locator('.date')).toHaveCount(strange.length + 1);
  await expect(page.locator('.date h2')).toContainText(['2026', '12345', '2026', 'Date unknown', 'Date unknown', 'Date unknown', 'Date unknown']);
});

test('a row that cannot be shown at all is the only one missing', async ({ page, server }) => {
  const sale = await makeSale(server);
  const sound = await makeSale(server);
  await answering(page, 'Concerts', ({ data }) => {
    for (const concert of data.concerts.nodes) if (concert.id === sale.concertId) concert.series = null;
    return { data };
  });
  await page.goto(server.url);
  await expect(page.getByRole('link', { name: new RegExp(sound.title) })).toBeVisible();
  await expect(page.getByText('This one cannot be shown just now.')).toHaveCount(1);
});

const failed = (code: string, path: unknown) => ({ message: 'It failed', path, extensions: { code } });
const withoutData: [string, unknown, RegExp][] = [
  ['data is null', { data: null, errors: [failed('INTERNAL', ['concert'])] }, /Something went wrong on our side/],
  ['there is no data', { errors: [failed('UNAVAILABLE', ['concert'])] }, /The server is busy just now/],
  ['the concert is null and an error says why', { data: { concert: null }, errors: [failed('INTERNAL', ['concert'])] }, /Something went wrong on our side/],
  ['the concert is not found', { data: { concert: null }, errors: [failed('NOT_FOUND', ['concert'])] }, /not here/],
  ['the id is refused', { data: null, errors: [failed('BAD_USER_INPUT', ['concert'])] }, /not here/],
  ['the concert is null', { data: { concert: null } }, /not here/],
  ['all is null and nobody says why', { data: null }, /not here|Something went wrong/],
  ['the answer is none', {}, /not here|Something went wrong|cannot be reached/],
];

for (const [name, answer, said] of withoutData) {
  test(`nobody waits for ever when ${name}`, async ({ page, server }) => {
    const sale = await makeSale(server);
    await answering(page, 'Concert', () => answer);
    for (const address of [`${server.url}/#/concert/${sale.concertId}`, dateUrl(server, sale)]) {
      await page.goto(address);
      await page.reload();
      await expect(page.locator('main')).toContainText(said);
      await expect(page.getByText('One moment')).toHaveCount(0);
    }
  });
}

test('a mutation without data says what happened and can be tried again', async ({ page, server }) => {
  const sale = await makeSale(server);
  const answers: unknown[] = [
    { data: null, errors: [failed('UNAVAILABLE', ['issueToken'])] },
    { data: { issueToken: null }, errors: [failed('UNAVAILABLE', ['issueToken'])] },
  ];
  await answering(page, 'IssueToken', (real) => answers.shift() ?? real);
  await joinLine(page, server, sale);
  await expect(page.getByText('The server is busy just now.')).toBeVisible();
  await page.getByRole('button', { name: 'Join the line' }).click();
  await expect(page.getByText('The server is busy just now.')).toBeVisible();
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(heading(page, 'Choose your seats')).toBeVisible();
});

test('damaged storage is no reason to show nothing', async ({ page, server }) => {
  const sale = await makeSale(server);
  for (const stored of ['{', '{}', 'null', '[null]', '[1,{"seriesId":7}]', '"x"']) {
    await page.addInitScript((text) => {
      for (const key of ['places', 'user', 'name', 'language', 'colours']) localStorage.setItem(`frontrow.${key}`, text);
    }, stored);
    await page.goto(dateUrl(server, sale));
    await page.reload();
    await expect(heading(page, 'Take your place'), stored).toBeVisible();
  }
});

test('a server that takes the question and never answers is not waited for', async ({ page, server }) => {
  const sale = await makeSale(server);
  await page.clock.install();
  let asked = 0;
  await page.route('**/graphql', (route) => (++asked === 1 ? undefined : route.fallback()));
  await page.goto(`${server.url}/#/concert/${sale.concertId}`);
  await expect.poll(() => asked).toBe(1);
  await page.clock.fastForward(31_000);
  await expect(page.getByText('The server cannot be reached.')).toBeVisible();
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(heading(page, sale.title)).toBeVisible();
});

test('who may not ask for the balance just now can pay all the same', async ({ page, server }) => {
  const sale = await makeSale(server);
  await answering(page, 'Balance', () => ({ data: null, errors: [failed('UNAVAILABLE', ['points'])] }));
  await joinLine(page, server, sale);
  await page.getByRole('button', { name: 'Find the best seats' }).click();
  await page.getByRole('button', { name: 'Hold 2 seats' }).click();
  await page.getByRole('button', { name: /^Pay / }).click();
  await expect(page.getByText('Not enough points.')).toBeVisible();
  await page.getByRole('button', { name: /^Charge 20,000/ }).click();
  await expect(page.getByText('20,000 pts charged.')).toBeVisible();
  await page.getByRole('button', { name: /^Pay / }).click();
  await expect(heading(page, 'You are going!')).toBeVisible();
});

test('seats that cannot be had are told, and asked for again', async ({ page, server }) => {
  const sale = await makeSale(server);
  let failing = true;
  await answering(page, 'SeatMap', (real) => (failing ? { data: { seriesById: null }, errors: [failed('UNAVAILABLE', ['seriesById'])] } : real));
  await page.goto(dateUrl(server, sale));
  await expect(page.getByText('The server is busy just now.')).toBeVisible();
  await page.getByRole('button', { name: 'Join the line' }).click();
  await expect(page.getByRole('button', { name: 'Join the line' })).toHaveCount(0);
  await expect(page.getByText('The server is busy just now.')).toBeVisible();
  failing = false;
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.locator('.seatmap')).toBeVisible();
});
