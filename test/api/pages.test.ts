import { mkdtemp, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docsPath, ERROR_CODES } from '../../src/domain/index.ts'
import { apiOptions, ask, serveApi } from './support.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'catwalk-pages-'))
  await mkdir(join(folder, 'web/assets'), { recursive: true })
  await mkdir(join(folder, 'docs'))
  await writeFile(join(folder, 'web/index.html'), '<!doctype html><title>Dashboard</title>')
  await writeFile(join(folder, 'web/theme.js'), '1')
  await writeFile(join(folder, 'web/assets/index-B2x.js'), 'console.log(1)')
  await writeFile(join(folder, 'secret.txt'), 'hunter2')
  await writeFile(join(folder, 'secret.md'), 'hunter2')
  await symlink(join(folder, 'secret.txt'), join(folder, 'web/link.txt'))
  await writeFile(
    join(folder, 'docs/troubleshooting.md'),
    [
      '# Troubleshooting',
      '<script>alert(1)</script>',
      'Text with <b onclick="x()">HTML</b> & "quotes".',
      '## invalid_package',
      '## `package_not_found`: no such package',
      '## The same',
      '## The same',
      '[bad](javascript:alert(1)) [file](file:///etc/passwd) [other](configuration.md#ports) [out](https://example.com)',
      '![image](javascript:alert(2))',
    ].join('\n\n'),
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const options = () => apiOptions({ dashboardDir: join(folder, 'web'), docsDir: join(folder, 'docs') })

describe('the dashboard', () => {
  test('files are served with their type; hashed ones may be kept for ever', async () => {
    const asset = await ask(options(), '/assets/index-B2x.js')
    expect(asset.text).toBe('console.log(1)')
    expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    const theme = await ask(options(), '/theme.js')
    expect(theme.headers.get('cache-control')).toBe('no-cache')
  })

  test('every other address is the page, which is asked for again each time and not sent twice', async () => {
    for (const path of ['/', '/setup', '/deployments/my.server', '/index.html']) {
      const shell = await ask(options(), path)
      expect(shell.text).toContain('Dashboard')
      expect(shell.headers.get('cache-control')).toBe('no-cache')
      expect(shell.headers.get('content-security-policy')).toContain("script-src 'self'")
      const etag = shell.headers.get('etag') ?? ''
      const again = await ask(options(), path, { headers: { 'if-none-match': etag } })
      expect(again.status).toBe(304)
      expect(again.text).toBe('')
    }
  })

  test('text goes compressed to whom it suits', async () => {
    await using server = await serveApi({ dashboardDir: join(folder, 'web') })
    // fetch asks for it and unpacks it.
    const packed = await fetch(`${server.origin}/assets/index-B2x.js`)
    expect(packed.headers.get('content-encoding')).toBe('gzip')
    expect(await packed.text()).toBe('console.log(1)')
    const plain = await ask(options(), '/assets/index-B2x.js')
    expect(plain.headers.get('content-encoding')).toBeNull()
    expect(plain.headers.get('vary')).toBe('accept-encoding')
  })

  test('a file that is gone is a 404, not a page that a browser would run', async () => {
    expect((await ask(options(), '/assets/index-OLD.js')).status).toBe(404)
  })

  test('only reading is possible', async () => {
    expect((await ask(options(), '/', { method: 'POST' })).status).toBe(404)
    expect((await ask(options(), '/', { method: 'HEAD' })).status).toBe(200)
  })

  test('a new build is served without a restart', async () => {
    await using server = await serveApi({ dashboardDir: join(folder, 'web') })
    expect(await (await fetch(server.origin)).text()).toContain('Dashboard')
    await writeFile(join(folder, 'web/index.html'), '<!doctype html><title>Dashboard, newer</title>')
    await utimes(join(folder, 'web/index.html'), new Date(), new Date(Date.now() + 5000))
    expect(await (await fetch(server.origin)).text()).toContain('newer')
    // The page may be there before its files are.
    expect((await fetch(`${server.origin}/assets/late.js`)).status).toBe(404)
    await writeFile(join(folder, 'web/assets/late.js'), '2')
    expect(await (await fetch(`${server.origin}/assets/late.js`)).text()).toBe('2')
  })

  test('says what to do when it is not built', async () => {
    const answer = await ask(apiOptions(), '/')
    expect(answer.status).toBe(503)
    expect(answer.headers.get('content-type')).toContain('text/html')
    expect(answer.text).toContain('npm start')
  })

  test('no address leads out of its folder', async () => {
    await using server = await serveApi({ dashboardDir: join(folder, 'web'), docsDir: join(folder, 'docs') })
    const { port, hostname } = new URL(server.origin)
    // As they are, because URL would tidy them up.
    const paths = [
      '/../secret.txt',
      '/assets/../../secret.txt',
      '/..%2fsecret.txt',
      '/%2e%2e/secret.txt',
      '/%2e%2e%2fsecret.txt',
      '/..\\secret.txt',
      '/assets/..%5c..%5csecret.txt',
      '//secret.txt',
      '/link.txt',
      '/assets/%00',
      `/${folder}/secret.txt`,
      '/docs/../secret',
      '/docs/..%2fsecret',
      '/docs/%2e%2e%2fsecret',
      '/docs/..%2f..%2fetc%2fpasswd',
      '/docs/secret%00',
    ]
    for (const path of paths) {
      const asked = request({ hostname, port, path })
      asked.end()
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      expect(await text(response)).not.toContain('hunter2')
    }
  })
})

describe('the guides', () => {
  test('what looks like HTML is shown as text', async () => {
    const { text: html, headers } = await ask(options(), '/docs/troubleshooting')
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(html).toContain('&lt;b onclick=&quot;x()&quot;&gt;')
    expect(html).not.toMatch(/<script|<b |href="javascript|href="file|src="javascript/i)
    expect(headers.get('content-security-policy')).toMatch(/script-src 'self';.*style-src 'self' 'sha256-/)
  })

  test('error codes are at the anchors that errors point to', async () => {
    const { text: html } = await ask(options(), '/docs/troubleshooting')
    for (const code of ['invalid_package', 'package_not_found'] as const) {
      const [path, anchor] = docsPath(code).split('#')
      expect(path).toBe('/docs/troubleshooting')
      expect(html).toContain(`<h2 id="${anchor}">`)
    }
    expect(html).toContain('<h2 id="the-same">')
    expect(html).toContain('<h2 id="the-same-1">')
  })

  test('files that link to each other are pages that link to each other', async () => {
    const { text: html } = await ask(options(), '/docs/troubleshooting')
    expect(html).toContain('href="/docs/configuration#ports"')
    expect(html).toContain('href="https://example.com"')
  })

  test('each is listed', async () => {
    const { text: html } = await ask(options(), '/docs')
    expect(html).toContain('<a href="/docs/troubleshooting">troubleshooting</a>')
  })

  test('every error of the catalogue has its section in the guide that errors point to', async () => {
    const { text: html } = await ask(apiOptions(), '/docs/troubleshooting')
    const missing = ERROR_CODES.filter((code) => !html.includes(`id="${docsPath(code).split('#')[1] ?? ''}"`))
    expect(missing).toEqual([])
  })

  test('a page that does not exist says so', async () => {
    for (const name of ['nothing', 'NOTHING', 'a.b', 'a'.repeat(100)]) {
      const answer = await ask(options(), `/docs/${name}`)
      expect(answer.status).toBe(404)
      expect(answer.headers.get('content-type')).toContain('text/html')
    }
  })
})
