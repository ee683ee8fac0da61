import type { Page } from '@playwright/test';
import { expect, test } from './stage.ts';

const answer = (page: Page) => page.locator('.result-window');

async function runTab(page: Page, name: string): Promise<void> {
  await page.locator('.graphiql-tab', { hasText: name }).first().click();
  await page.getByRole('button', { name: /Execute query/ }).click();
}

test('the journey runs tab by tab, with the token of one tab in the headers of the next', async ({ page, server }) => {
  await page.goto(`${server.url}/graphiql/`);
  await runTab(page, 'Browse');
  await expect(answer(page)).toContainText('drawCommitment');
  await runTab(page, 'JoinTheLine');
  await expect(answer(page)).toContainText('tokenId');
  await runTab(page, 'WatchMyPlace');
  await expect(answer(page)).toContainText('ADMITTED');
  await runTab(page, 'Seats');
  await expect(answer(page)).toContainText('AVAILABLE');
  await runTab(page, 'HoldSeat');
  await expect(answer(page)).toContainText('expiresAt');
  await runTab(page, 'Charge');
  await expect(answer(page)).toContainText('balanceAfter');
  await runTab(page, 'Pay');
  await expect(answer(page)).toContainText('reservations');
  await runTab(page, 'MyTicketsAndLedger');
  await expect(answer(page)).toContainText('CONFIRMED');
});
