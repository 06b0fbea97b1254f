// Looks at the pages of the demo in a real browser: no error on the console under the policy, no violation of WCAG A and AA that axe finds, no
// sideways scroll on a phone; in light, dark and at 390 px. What is live stays where it is. The report reads without scripts.
// node page.mjs URL REPORT FOLDER: pictures go to FOLDER; new rows are brought by copying FOLDER/../late.csv (see page/test/run.sh).
import { copyFileSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(path.join(process.cwd(), 'x.js'))
const { chromium } = require('playwright-core')
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const [url, report, folder, late, into] = process.argv.slice(2)
let failed = 0
const fail = text => { failed++; console.log('FAIL ' + text) }

const views = {
  flow: '/', picked: '/?o=scores', column: '/?o=scores&c=risk', object: '/o/events', journal: '/o/planes?v=4', rejects: '/rejects',
  filtered: '/rejects?code=constraint&rule=sane&dest=events', life: '/k/planes?key=N12996', seen: '/k/planes?key=N12996&seen=2',
  model: '/m/late_risk', monitor: '/o/late_risk_health', sql: '/sql?q=' + encodeURIComponent('SELECT carrier, count(*) AS n FROM flights GROUP BY 1 ORDER BY 2 DESC'),
  wrong: '/sql?q=' + encodeURIComponent('SELECT carier FROM flights'), nothing: '/o/nothing',
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] })

async function check(page, name, width) {
  const found = await page.evaluate(async () => (await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] })).violations
    .map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.target.join(' ') + ' ' + (n.failureSummary || '').replace(/\s+/g, ' ').slice(0, 160)).join(' | ')))
  for (const f of found) fail(`${name}: ${f}`)
  const wide = await page.evaluate(() => document.documentElement.scrollWidth)
  if (wide > width) fail(`${name}: scrolls sideways, ${wide} px at ${width}`)
  const unnamed = await page.evaluate(() => [...document.querySelectorAll('svg[role=img],svg[role=group]')].filter(s => !s.getAttribute('aria-label')).length)
  if (unnamed) fail(`${name}: ${unnamed} charts without a name`)
}

for (const scheme of ['light', 'dark'])
  for (const width of [1280, 390]) {
    // axe comes in by the browser's own door: the page's policy would refuse it
    const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: 900 } })
    for (const [name, address] of Object.entries(views)) {
      const page = await context.newPage(), at = `${name} ${scheme} ${width}`
      page.on('console', m => { if (m.type() === 'error' && !/404/.test(m.text())) fail(`${at}: console: ${m.text()}`) })
      page.on('pageerror', e => fail(`${at}: ${e}`))
      const answer = await page.goto(url + address)
      if (answer.status() !== (name === 'nothing' ? 404 : 200)) fail(`${at}: status ${answer.status()}`)
      await page.evaluate(axe)
      await check(page, at, width)
      await page.screenshot({ path: path.join(folder, `${name}-${scheme}-${width}.png`), fullPage: true })
      await page.close()
    }
    await context.close()
  }

// Without scripts: links and forms do the work.
{
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } })
  const page = await context.newPage()
  await page.goto(url + '/o/planes')
  await page.fill('main input[name=key]', 'N12996')
  await page.click('main form button')
  if (!/\/k\/planes\?key=N12996/.test(page.url())) fail('the form of a key leads to ' + page.url())
  await page.goto('file://' + report)
  const text = await page.textContent('main')
  if (!/What was believed of/.test(text) || !/Is it right/.test(text)) fail('the report lacks a life or a model')
  await page.screenshot({ path: path.join(folder, 'report.png'), fullPage: true })
  await page.pdf({ path: path.join(folder, 'report.pdf'), format: 'A4' })
  await context.close()
}

// Keys and values under the pointer.
{
  const page = await browser.newPage()
  await page.goto(url + '/m/late_risk')
  const chart = page.locator('.chart svg:has(.hv)').first()
  await chart.focus()
  await page.keyboard.press('ArrowLeft')
  const said = await page.textContent('#say')
  if (!/^version \d+: /.test(said)) fail(`an arrow on a chart says ${said}`)
  await page.keyboard.press('Escape')
  await page.evaluate(() => document.activeElement.blur())
  await page.keyboard.press('g')
  await page.keyboard.press('r')
  await page.waitForURL(/\/rejects$/)
  await page.keyboard.press('?')
  if (!await page.locator('#keys').evaluate(d => d.open)) fail('? shows no keys')
  await page.close()
}

// Live: what comes is shown, and the nodes that were there stay.
{
  const page = await browser.newPage()
  await page.goto(url + '/o/planes')
  await page.waitForSelector('body.live-on')
  await page.fill('main input[name=key]', 'typed')
  await page.evaluate(() => { window.kept = [...document.querySelectorAll('main section')]; scrollTo(0, 300) })
  const before = await page.textContent('#now')
  copyFileSync(late, into)
  await page.waitForFunction(b => document.querySelector('#now').textContent !== b && /v1[5-9]/.test(document.querySelector('#now').textContent), before, { timeout: 60000 })
  await page.waitForFunction(() => /v15/.test(document.querySelector('main').textContent), null, { timeout: 20000 })
  if (!await page.evaluate(() => window.kept.every(s => s.isConnected))) fail('live: sections were replaced')
  if (await page.inputValue('main input[name=key]') !== 'typed') fail('live: what was typed is gone')
  if (await page.evaluate(() => scrollY) !== 300) fail('live: it scrolled')
  await page.close()
}

await browser.close()
console.log(failed ? `${failed} failures` : 'all is well')
process.exit(failed ? 1 : 0)
