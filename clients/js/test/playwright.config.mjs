const executablePath = process.env.TOWLINE_CHROMIUM ?? '/usr/bin/chromium'

export default {
  testDir: '.',
  testMatch: '*.spec.mjs',
  outputDir: process.env.TOWLINE_RESULTS,
  use: { launchOptions: { executablePath, args: ['--no-sandbox'] } },
}
