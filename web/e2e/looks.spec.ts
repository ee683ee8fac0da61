// Every page at phone and desktop width, light and dark: axe finds nothing serious, and a picture is kept in
// `e2e/.out/looks` to be looked at.

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { checkout, choosing, dateUrl, expect, holdButton, holdByApi, joinByApi, makeSale, pickSeat, test } from './stage.ts';

const arena = [
  { name: 'Floor A', rows: 20, cols: 30, price: 150_000 },
  { name: 'Floor B', rows: 20, cols: 30, price: 150_000 },
  { name: 'Lower West', rows: 20, cols: 25, price: 110_000 },
  { name: 'Lower Centre', rows: 20, cols: 40, price: 120_000 },
  { name: 'Lower East', rows: 20, cols: 25, price: 110_000 },
  { name: 'Upper West', rows: 20, cols: 30, price: 60_000 },
  { name: 'Upper Centre', rows: 20, cols: 40, price: 70_000 },
  { name: 'Upper East', rows: 20, cols: 30, price: 60_000 },
];

const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 860 } };

async function look(page: Page, folder: string, name: string): Promise<void> {
  await page.screenshot({ path: `e2e/.out/looks/${name}-${folder}.png`, fullPage: !['seats', 'found'].includes(name) });
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join('\n')}`)).toEqual([]);
}

for (const [size, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const folder = `${size}-${colorScheme}`;
    test.describe(folder, () => {
      test.use({ viewport, colorScheme, reducedMotion: 'reduce' });

      test('the fan page', async ({ page, server }) => {
        const sale = await makeSale(server, { title: 'Symphony of the Floating Castle', sections: arena, policy: { maxActive: 1 } });
        const first = await joinByApi(server, sale);
        for (let i = 0; i < 11; i++) await joinByApi(server, sale);
        await page.goto(server.url);
        await expect(page.locator('.poster').first()).toBeVisible();
        await look(page, folder, 'home');
        await page.goto(`${server.url}/#/concert/${sale.concertId}`);
        await expect(page.locator('.date')).toBeVisible();
        await look(page, folder, 'concert');
        await page.goto(dateUrl(server, sale));
        await expect(page.locator('.sections-free').first()).toHaveText(/free/);
        await look(page, folder, 'join');
        await page.getByLabel('Your name').fill('Haru Kim');
        await page.getByRole('button', { name: 'Join the line' }).click();
        await expect(page.locator('.place-number')).toHaveText('12');
        await joinByApi(server, sale);
        await joinByApi(server, sale);
        await expect(page.locator('.place-sides')).toContainText('2 behind you');
        await look(page, folder, 'waiting');

        const organiser = server.token('org', 'ORGANIZER');
        const more = 'mutation($id: ID!) { updateQueuePolicy(input: { seriesId: $id, queuePolicy: { maxActive: 50 } }) { id } }';
        await server.ask(more, { id: sale.seriesId }, organiser);
        await holdByApi(server, first);
        await choosing(page);
        await expect(page.getByRole('button', { name: /Show Floor A.* 596 free/ })).toBeVisible();
        await pickSeat(page, /Floor A, row 1, .*free/);
        await look(page, folder, 'seats');
        await page.getByRole('button', { name: 'Find the best seats' }).click();
        await expect(page.locator('.seatmap-overview')).toBeVisible();
        await look(page, folder, 'found');
        await page.getByRole('button', { name: 'No, thanks' }).click();
        await holdButton(page).click();
        await checkout(page);
        await look(page, folder, 'checkout');
        await page.getByRole('button', { name: /^Charge 1/ }).click();
        await page.getByRole('button', { name: /^Pay / }).click();
        await expect(page.locator('.ticket')).toBeVisible();
        await look(page, folder, 'done');
        await page.goto(`${server.url}/#/tickets`);
        await expect(page.locator('.ticket')).toBeVisible();
        await look(page, folder, 'tickets');
        await page.locator('.ticket h2 a').click();
        await page.getByRole('button', { name: 'Cancel this ticket' }).click();
        await look(page, folder, 'cancel');
        await page.goto(`${server.url}/#/wallet`);
        await expect(page.locator('.ledger')).toBeVisible();
        await look(page, folder, 'wallet');
      });

      test('the lobby', async ({ page, server }) => {
        const sale = await makeSale(server, { title: 'Piano Night at the Bathhouse', opensInMs: 600_000 });
        await page.goto(dateUrl(server, sale));
        await page.getByRole('button', { name: 'Join the line' }).click();
        await expect(page.getByRole('heading', { name: 'You are in the lobby' })).toBeVisible();
        await look(page, folder, 'lobby');
      });

      test('the organiser page', async ({ page, server }) => {
        const sale = await makeSale(server, { title: 'Choir of the Forest Spirits', sections: arena, policy: { maxActive: 3 } });
        for (let i = 0; i < 5; i++) {
          const fan = await joinByApi(server, sale);
          if (i < 3) await holdByApi(server, fan);
        }
        await page.goto(`${server.url}/organiser/`);
        await look(page, folder, 'organiser-sign-in');
        await page.getByLabel('Identity token').fill(server.token('org', 'ORGANIZER'));
        await page.getByRole('button', { name: 'Sign in' }).click();
        await expect(page.locator('.rows a').first()).toBeVisible();
        await look(page, folder, 'organiser-concerts');
        await page.goto(`${server.url}/organiser/#/concert/${sale.concertId}/new`);
        await page.getByRole('button', { name: 'Arena, 5,000 seats' }).click();
        await look(page, folder, 'organiser-new');
        await page.goto(`${server.url}/organiser/#/concert/${sale.concertId}/${sale.seriesId}`);
        await expect(page.locator('[data-figure="held"]')).toHaveText('12');
        await look(page, folder, 'organiser-board');
      });
    });
  }
}

// Korean says things in other lengths, and axe looks at its own words.
for (const [size, viewport] of Object.entries(sizes)) {
  test(`in Korean, ${size}`, async ({ browser, server }) => {
    const page = await (await browser.newContext({ viewport, locale: 'ko-KR', colorScheme: 'dark', reducedMotion: 'reduce' })).newPage();
    const folder = `${size}-ko`;
    const sale = await makeSale(server, { title: '숲의 정령 합창단', sections: arena });
    await page.goto(server.url);
    await expect(page.locator('.poster').first()).toBeVisible();
    await look(page, folder, 'home');
    await page.goto(`${server.url}/#/concert/${sale.concertId}`);
    await expect(page.locator('.date')).toBeVisible();
    await look(page, folder, 'concert');
    await page.goto(dateUrl(server, sale));
    await page.getByRole('button', { name: '줄 서기' }).click();
    await expect(page.getByRole('heading', { name: '좌석을 고르세요' })).toBeVisible();
    await expect(page.locator('.sections-free').first()).toHaveText('600석 남음');
    await page.getByRole('button', { name: '가장 좋은 좌석 찾기' }).click();
    await expect(page.locator('.tray-said')).toContainText('Floor A 1열 15~16번');
    await look(page, folder, 'found');
    await page.getByRole('button', { name: '2석 잡기' }).click();
    await expect(page.getByRole('heading', { name: '결제' })).toBeVisible();
    await look(page, folder, 'checkout');
    await page.goto(`${server.url}/#/wallet`);
    await expect(page.locator('.balance')).toBeVisible();
    await look(page, folder, 'wallet');
    await page.goto(`${server.url}/organiser/`);
    await page.getByLabel('신원 토큰').fill(`${server.token('org', 'ORGANIZER')}x`);
    await page.getByRole('button', { name: '로그인' }).click();
    await expect(page.locator('[data-refusal]')).toBeVisible();
    await look(page, folder, 'organiser-sign-in');
    await page.getByLabel('신원 토큰').fill(server.token('org', 'ORGANIZER'));
    await page.getByRole('button', { name: '로그인' }).click();
    await expect(page.locator('.rows a').first()).toBeVisible();
    await page.goto(`${server.url}/organiser/#/concert/${sale.concertId}/${sale.seriesId}`);
    await expect(page.locator('[data-figure="held"]')).toHaveText('2');
    await look(page, folder, 'organiser-board');
    await page.context().close();
  });
}
