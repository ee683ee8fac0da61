import type { Page } from '@playwright/test';
import type { Server } from './server.ts';
import { choosing, expect, joinByApi, test } from './stage.ts';

async function signIn(page: Page, server: Server): Promise<void> {
  await page.goto(`${server.url}/organiser/`);
  await page.getByLabel('Identity token').fill(server.token('org', 'ORGANIZER'));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'My concerts' })).toBeVisible();
}

async function createDate(page: Page, title: string): Promise<void> {
  await page.getByLabel('Title').fill(title);
  await page.getByRole('button', { name: 'Create concert' }).click();
  await expect(page.getByRole('heading', { name: title })).toBeVisible();
  await page.getByRole('link', { name: 'Add a date' }).click();
}

test('creates a concert and a date, sees it live, pauses and resumes it', async ({ page, browser, server }) => {
  const title = `Night of Choirs ${Date.now()}`;
  await signIn(page, server);
  await createDate(page, title);
  await page.getByRole('button', { name: 'Arena, 5,000 seats' }).click();
  await expect(page.getByText('5,000 seats, 514,000,000 pts if all are sold')).toBeVisible();
  await page.getByLabel('At most admitted at once').fill('2');
  await page.getByRole('button', { name: 'Create date' }).click();
  await expect(page.locator('[data-figure="available"]')).toHaveText('5,000');

  const [concertId, seriesId] = new URL(page.url()).hash.split('/').slice(2);
  const sale = { concertId: concertId ?? '', seriesId: seriesId ?? '', title };
  for (let i = 0; i < 3; i++) await joinByApi(server, sale);
  await expect(page.locator('[data-figure="admitted"]')).toHaveText('2');
  await expect(page.locator('[data-figure="waiting"]')).toHaveText('1');
  await expect(page.getByRole('img', { name: /2 in this minute/ })).toBeVisible();

  await page.getByRole('button', { name: 'Pause the sale' }).click();
  await expect(page.getByText('The sale is paused.')).toBeVisible();
  const fan = await (await browser.newContext()).newPage();
  await fan.goto(`${server.url}/#/concert/${concertId}/${seriesId}`);
  await fan.getByRole('button', { name: 'Join the line' }).click();
  await expect(fan.getByText('The organiser has paused the sale.')).toBeVisible();

  await page.getByRole('button', { name: 'Resume the sale' }).click();
  await page.getByLabel('At most admitted at once').fill('50');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved.')).toBeVisible();
  await choosing(fan);
  await fan.context().close();
});

test('a plan that cannot be is refused with the reason', async ({ page, server }) => {
  await signIn(page, server);
  await createDate(page, `Plan ${Date.now()}`);
  await page.getByRole('button', { name: 'Add a section' }).click();
  await page.getByLabel('Section', { exact: true }).nth(1).fill('Standard');
  await page.getByRole('button', { name: 'Create date' }).click();
  await expect(page.getByText('Each section needs a name of its own')).toBeVisible();
});

test('a token without the role, or no token at all, is refused in plain words', async ({ page, server }) => {
  await page.goto(`${server.url}/organiser/`);
  await page.getByLabel('Identity token').fill('not a token');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText('This is not a token.')).toBeVisible();
  await page.getByLabel('Identity token').fill(server.token('till', 'CASHIER'));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText('no ORGANIZER or ADMIN role')).toBeVisible();
});

/** The token with a signature that is nobody's. */
const forged = (token: string) => token.replace(/\.[^.]+$/, `.${'A'.repeat(86)}`);

test('a forged token is refused at the sign-in, in an organiser\'s words', async ({ page, server }) => {
  await page.goto(`${server.url}/organiser/`);
  await page.getByLabel('Identity token').fill(forged(server.token('org', 'ORGANIZER')));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText('This server does not accept the token')).toBeVisible();
  await expect(page.getByText(/Join the line|pass is not valid/)).toHaveCount(0);
  await expect(page.getByRole('heading', { name: 'Run your sale' })).toBeVisible();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  await page.getByLabel('Identity token').fill(server.token('org', 'ORGANIZER'));
  await expect(page.getByText('This server does not accept the token')).toHaveCount(0);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'My concerts' })).toBeVisible();
});

test('a token that the server no longer takes leads back to the sign-in', async ({ page, server }) => {
  await signIn(page, server);
  await page.evaluate((token) => sessionStorage.setItem('frontrow.organiser', JSON.stringify(token)), forged(server.token('org', 'ORGANIZER')));
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Run your sale' })).toBeVisible();
  await expect(page.getByText('This server does not accept the token')).toBeVisible();
});

test('a server that cannot be reached is not a forged token', async ({ page, server }) => {
  await page.goto(`${server.url}/organiser/`);
  await page.route('**/graphql', (route) => route.abort());
  await page.getByLabel('Identity token').fill(server.token('org', 'ORGANIZER'));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText('The server cannot be reached.')).toBeVisible();
  await page.unrouteAll();
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { name: 'My concerts' })).toBeVisible();
});
