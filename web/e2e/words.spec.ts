// People's words in any script, and times that say where they hold.

import type { Locator, Page } from '@playwright/test';
import { checkout, choosing, dateUrl, expect, holdButton, hoverSeat, joinLine, makeSale, pickSeat, test } from './stage.ts';

const title = 'مهرجان الموسيقى';
const hall = 'القاعة الكبرى';
const fan = 'ליאור כהן';
const sections = [{ name: hall, rows: 4, cols: 6, price: 1_000 }, { name: 'Balcony', rows: 2, cols: 6, price: 500 }];

const rtl = (found: Locator) => expect(found.first()).toHaveCSS('direction', 'rtl');

/** No time of day on the page is without its zone. */
async function zoned(page: Page): Promise<void> {
  const text = await page.locator('main').innerText();
  const times = text.match(/\b\d\d:\d\d(?![:\d])(?:\s*[–~-]\s*\d\d:\d\d)?(?:\s+\S+)?/g) ?? [];
  expect(times.length, text).toBeGreaterThan(0);
  for (const time of times) expect(time).toMatch(/GMT\+9$/);
}

test('titles, names and sections run in their own direction, and times name their zone', async ({ page, server }) => {
  const sale = await makeSale(server, { title, sections });
  await page.goto(server.url);
  await rtl(page.getByRole('heading', { name: title }));
  await page.getByRole('searchbox').fill(title);
  await rtl(page.getByRole('searchbox'));
  await page.goto(`${server.url}/#/concert/${sale.concertId}`);
  await rtl(page.getByRole('heading', { name: title }));
  await zoned(page);
  await page.goto(dateUrl(server, sale));
  await rtl(page.locator('.crumbs a'));
  await rtl(page.locator('.sections-name').getByText(hall));
  await zoned(page);
  await page.getByLabel('Your name').fill(fan);
  await rtl(page.getByLabel('Your name'));
  await joinLine(page, server, sale, fan);
  await choosing(page);
  await pickSeat(page, /row 1, seat 3, .*free/);
  await rtl(page.locator('.chip bdi'));
  await expect(page.locator('.chip')).toHaveCSS('direction', 'ltr');
  await rtl(page.locator('.best option', { hasText: hall }));
  await hoverSeat(page);
  await rtl(page.locator('.seatmap-tip bdi'));
  await page.getByRole('button', { name: 'Find the best seats' }).click();
  await rtl(page.locator('.tray-said bdi'));
  await holdButton(page).click();
  await checkout(page);
  await rtl(page.locator('.held b'));
  await page.getByRole('button', { name: /^Charge 3/ }).click();
  await page.getByRole('button', { name: /^Pay / }).click();
  await rtl(page.locator('.ticket h2'));
  await rtl(page.locator('.ticket dd', { hasText: hall }));
  await rtl(page.locator('.ticket dd', { hasText: fan }));
  await zoned(page);
  await page.goto(`${server.url}/#/wallet`);
  await expect(page.locator('.ledger td').first()).toBeVisible();
  await zoned(page);
});

test('on the organiser page too', async ({ page, server }) => {
  const sale = await makeSale(server, { title, sections });
  await page.goto(`${server.url}/organiser/`);
  await page.getByLabel('Identity token').fill(server.token('org', 'ORGANIZER'));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await rtl(page.getByRole('heading', { name: title }));
  await page.getByLabel('Title').fill(title);
  await rtl(page.getByLabel('Title'));
  await page.goto(`${server.url}/organiser/#/concert/${sale.concertId}`);
  await rtl(page.getByRole('heading', { name: title }));
  await zoned(page);
  await page.goto(`${server.url}/organiser/#/concert/${sale.concertId}/new`);
  await page.getByLabel('Section', { exact: true }).fill(hall);
  await rtl(page.getByLabel('Section', { exact: true }));
  await expect(page.getByText('Times are in Asia/Seoul.')).toBeVisible();
  await page.goto(`${server.url}/organiser/#/concert/${sale.concertId}/${sale.seriesId}`);
  await rtl(page.locator('.crumbs a'));
  await zoned(page);
});

test('times name the zone in Korean too', async ({ browser, server }) => {
  const page = await (await browser.newContext({ locale: 'ko-KR', timezoneId: 'Asia/Seoul' })).newPage();
  const sale = await makeSale(server);
  await page.goto(`${server.url}/#/concert/${sale.concertId}`);
  await expect(page.locator('.date')).toBeVisible();
  await zoned(page);
  await page.context().close();
});
