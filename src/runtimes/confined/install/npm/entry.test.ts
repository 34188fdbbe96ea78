import { expect, test } from 'vitest'
import { nodeFlags } from './entry.ts'

test.each([
  ['#!/usr/bin/env node', 'x', []],
  ['#!/usr/bin/env node\r', 'x', []],
  ['#! /usr/local/bin/node', 'x', []],
  [
    '#!/usr/bin/env -S node --no-warnings --max-http-header-size=80000',
    'x',
    ['--no-warnings', '--max-http-header-size=80000'],
  ],
  ["'use strict'", 'index.js', []],
  ['', 'index.mjs', []],
])('%j in %s is for Node', (line, path, flags) => {
  expect(nodeFlags(line, path)).toEqual(flags)
})

test.each([
  ['#!/bin/sh', 'x.js'],
  ['#!/usr/bin/env python3', 'x.js'],
  ['#!/usr/bin/env -S node -e evil', 'x.js'],
  ['\u007fELF', 'server'],
  ['', 'server'],
])('%j in %s is not', (line, path) => {
  expect(nodeFlags(line, path)).toBeNull()
})
