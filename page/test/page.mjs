// Looks at the pages of the demo in a real browser: no error on the console under the policy, no violation of WCAG A and AA that axe finds, no
// sideways scroll on a phone; in light, dark and at 390 px. What is live stays where it is. The report reads without scripts.
// node page.mjs URL MORE BAD REPORT FOLDER LATE INTO: three servers (the demo, with experiments, with hostile names); pictures go to FOLDER; new rows are brought by copying FOLDER/../late.csv (see page/test/run.sh).
import { copyFileSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(path.join(process.cwd(), 'x.js'))
const { chromium } = require('playwright-core')
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const [url, more, bad, report, folder, late, into] = process.argv.slice(2)
const only = process.env.ONLY ? process.env.ONLY.split(',') : null // parts and views, of those that have a name
const part = name => !only || only.includes(name)
let failed = 0
const fail = text => { failed++; console.log('FAIL ' + text) }

const views = {
  flow: '/', picked: '/?o=scores', column: '/?o=scores&c=risk', object: '/o/events', journal: '/o/planes?v=4', rejects: '/rejects',
  filtered: '/rejects?code=constraint&rule=sane&dest=events', life: '/k/planes?key=N12996', seen: '/k/planes?key=N12996&seen=2',
  model: '/m/late_risk', monitor: '/o/late_risk_health', sql: '/sql?q=' + encodeURIComponent('SELECT carrier, count(*) AS n FROM flights GROUP BY 1 ORDER BY 2 DESC'),
  rows: '/sql?q=' + encodeURIComponent('SELECT sched_dep, dep_delay FROM flights WHERE dep_delay IS NOT NULL ORDER BY 1 LIMIT 150'),
  experiment: more + '/o/rebooking', crooked: more + '/o/crooked', planned: more + '/o/planned', compared: more + '/m/late_risk', look: more + '/',
  badflow: bad + '/', badrejects: bad + '/rejects', badobject: bad + '/o/s%E2%80%AE&lt;&%23x3c;script&gt;', badmodel: bad + '/m/m%3Cscript%3Ehacked=1%3C%2Fscript%3E',
  badexperiment: bad + '/o/e%3Cscript%3Ehacked=1%3C%2Fscript%3E',
  wrong: '/sql?q=' + encodeURIComponent('SELECT carier FROM flights'), nothing: '/o/nothing',
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] })
const patient = x => { x.setDefaultTimeout(120000); return x } // others may use the processor meanwhile

async function check(page, name, width) {
  const found = await page.evaluate(async () => (await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] })).violations
    .map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.target.join(' ') + ' ' + (n.failureSummary || '').replace(/\s+/g, ' ').slice(0, 160)).join(' | ')))
  for (const f of found) fail(`${name}: ${f}`)
  const wide = await page.evaluate(() => document.documentElement.scrollWidth)
  if (wide > width) fail(`${name}: scrolls sideways, ${wide} px at ${width}`)
  const unnamed = await page.evaluate(() => [...document.querySelectorAll('svg[role=img],svg[role=group]')].filter(s => !s.getAttribute('aria-label')).length)
  if (unnamed) fail(`${name}: ${unnamed} charts without a name`)
}

for (const scheme of only && !only.includes('dark') ? ['light'] : ['light', 'dark'])
  for (const width of [1280, 390]) {
    // axe comes in by the browser's own door: the page's policy would refuse it
    const context = patient(await browser.newContext({ colorScheme: scheme, viewport: { width, height: 900 } }))
    for (const [name, address] of Object.entries(views)) {
      if (!part(name)) continue
      const page = await context.newPage(), at = `${name} ${scheme} ${width}`
      page.on('console', m => { if (m.type() === 'error' && !/404/.test(m.text())) fail(`${at}: console: ${m.text()}`) })
      page.on('pageerror', e => fail(`${at}: ${e}`))
      page.on('dialog', d => { fail(`${at}: a dialog: ${d.message()}`); d.dismiss() })
      const answer = await page.goto(address.startsWith('/') ? url + address : address)
      if (answer.status() !== (name === 'nothing' ? 404 : 200)) fail(`${at}: status ${answer.status()}`)
      if (await page.evaluate(() => 'hacked' in window)) fail(`${at}: a text ran`)
      await page.evaluate(axe)
      await check(page, at, width)
      await page.screenshot({ path: path.join(folder, `${name}-${scheme}-${width}.png`), fullPage: true })
      await page.close()
    }
    await context.close()
  }

// Without scripts: links and forms do the work.
if (part('noscript')) {
  const context = patient(await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } }))
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
if (part('keys')) {
  const page = patient(await browser.newPage())
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

// SQL: what may stand at the cursor is offered and taken; a query runs without leaving the page, and one that takes long is cancelled.
if (part('sqlbox')) {
  const page = patient(await browser.newPage())
  page.on('pageerror', e => fail(`sql: ${e}`))
  await page.goto(url + '/sql')
  await page.click('#q')
  await page.keyboard.type('SELECT carrier, count(*) AS n FROM fligh')
  await page.waitForSelector('#offers:not([hidden]) li:text-is("flights")') // typed slowly, words before it have offers too
  const seen = await page.evaluate(() => { const l = document.querySelector('#offers').getBoundingClientRect(), e = document.querySelector('.editor').getBoundingClientRect(); return [l.left - e.left, l.top - e.top] })
  if (!(seen[0] > 200 && seen[1] > 20 && seen[1] < 60)) fail(`sql: offers stand at ${seen}`)
  await page.screenshot({ path: path.join(folder, 'offers.png') })
  await page.keyboard.press('Tab')
  await page.keyboard.type(' GROUP BY ALL ORDER BY n DESC')
  await page.keyboard.press('Control+Enter')
  await page.waitForSelector('#result table')
  if (!/flights\+GROUP|flights%20GROUP/.test(page.url())) fail('sql: the address is ' + page.url())
  await page.fill('#q', 'SELECT count(*) FROM range(100000) a, range(100000) b WHERE (a.range * b.range) % 7 = 3')
  await page.keyboard.press('Control+Enter')
  await page.waitForSelector('#cancel:not([hidden])')
  await page.click('#cancel')
  await page.waitForFunction(() => document.querySelector('#result').textContent === 'Cancelled.')
  await page.fill('#q', 'SELECT 41 + 1 AS x')
  await page.keyboard.press('Control+Enter')
  await page.waitForFunction(() => /42/.test(document.querySelector('#result').textContent), null, { timeout: 120000 })
  for (const form of ['CSV', 'Parquet', 'Arrow']) {
    const answers = []
    page.on('response', r => answers.push(`${r.status()} ${r.url()}`))
    const [d] = await Promise.all([page.waitForEvent('download').catch(() => null), page.click(`#result a:text-is("${form}")`)])
    if (!d) fail(`sql: no ${form}: ${answers}; ${page.url()} shows ${(await page.textContent('body')).slice(0, 2000)}`)
    else if (!d.suggestedFilename().startsWith('result.')) fail('sql: a file is called ' + d.suggestedFilename())
  }
  await page.goBack()
  await page.close()
}

// The button sends rejects again, with scripts and without.
for (const javaScriptEnabled of part('replay') ? [true, false] : []) {
  const context = patient(await browser.newContext({ javaScriptEnabled }))
  const page = await context.newPage()
  await page.goto(url + '/rejects?code=constraint&rule=sane&dest=events')
  await page.click('#replay button.go')
  await page.waitForSelector('#sent table', { timeout: 120000 })
  if (!/events/.test(await page.textContent('#sent table'))) fail('the button tells: ' + await page.textContent('#sent'))
  await page.screenshot({ path: path.join(folder, `sent-${javaScriptEnabled}.png`) })
  await context.close()
}

// Live: what comes is shown, and the nodes that were there stay.
if (part('live')) {
  const page = patient(await browser.newPage())
  await page.goto(url + '/o/planes')
  await page.waitForSelector('body.live-on')
  await page.fill('main input[name=key]', 'typed')
  await page.evaluate(() => { window.kept = [...document.querySelectorAll('main section')]; scrollTo(0, 300) })
  const before = await page.textContent('#now'), facts = await page.textContent('.facts')
  copyFileSync(late, into)
  await page.waitForFunction(b => document.querySelector('#now').textContent !== b && /v[12][0-9]/.test(document.querySelector('#now').textContent), before, { timeout: 120000 })
  await page.waitForFunction(() => /2013-07-16/.test(document.querySelector('main').textContent), null, { timeout: 20000 })
  if (!await page.evaluate(() => window.kept.every(s => s.isConnected))) fail('live: sections were replaced')
  if (await page.textContent('.facts') === facts) fail('live: the facts are those of before')
  if (await page.inputValue('main input[name=key]') !== 'typed') fail('live: what was typed is gone')
  if (await page.evaluate(() => scrollY) !== 300) fail('live: it scrolled')
  await page.close()
}

await browser.close()
console.log(failed ? `${failed} failures` : 'all is well')
process.exit(failed ? 1 : 0)
