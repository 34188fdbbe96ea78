import { expect, test } from 'vitest'
import { webLink } from './web-link.ts'

test('repository fields become links to their page', () => {
  expect(webLink('git+https://git.example/owner/repo.git')).toEqual({
    href: 'https://git.example/owner/repo',
    label: 'git.example/owner/repo',
  })
})

test('no other scheme becomes a link', () => {
  for (const text of [
    'javascript:alert(1)',
    'data:text/html,x',
    'ssh://git@git.example/x',
    'owner/repo',
    '',
  ]) {
    expect(webLink(text)).toBeNull()
  }
})

test('credentials in an address are neither shown nor followed', () => {
  expect(webLink('https://user:secret@git.example/x')?.href).toBe('https://git.example/x')
})
