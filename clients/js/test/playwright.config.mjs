const executablePath = process.env.TOWLINE_CHROMIUM ?? '/usr/lib/chromium/chromium'

export default {
  testDir: '.',
  testMatch: '*.spec.mjs',
  outputDir: process.env.TOWLINE_RESULTS,
  use: { launchOptions: { executablePath, args: ['--no-sandbox'] } },
}
