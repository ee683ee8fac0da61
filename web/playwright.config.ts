import { defineConfig } from '@playwright/test';

// `unit` runs the pure parts in Node; `e2e` drives Chromium against a real server (see e2e/server.ts); `bench` measures
// and judges nothing.
export default defineConfig({
  fullyParallel: true,
  // A test that fails once is a failure: nothing is tried again into green.
  retries: 0,
  workers: 2,
  // Generous: a busy machine is slow, not wrong.
  timeout: 180_000,
  expect: { timeout: 45_000 },
  outputDir: 'e2e/.out/results',
  reporter: process.env['CI'] ? 'line' : 'list',
  forbidOnly: Boolean(process.env['CI']),
  use: {
    screenshot: 'only-on-failure',
    locale: 'en-GB',
    timezoneId: 'Asia/Seoul',
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  projects: [
    { name: 'unit', testDir: 'src', testMatch: '**/*.test.ts' },
    { name: 'e2e', testDir: 'e2e', testMatch: '**/*.spec.ts' },
    { name: 'bench', testDir: 'e2e', testMatch: '**/*.bench.ts' },
  ],
});
