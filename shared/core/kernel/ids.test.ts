import { expect, it } from 'vitest'
import { firstId, newId } from './ids.ts'

it('gives ids of one form that are unique and sort in the order in which they were made, also within a millisecond', () => {
  const ids = [...Array.from({ length: 5000 }, () => newId('dlv', 1_795_000_000_000)), ...Array.from({ length: 5000 }, (_, number) => newId('dlv', 1_795_000_000_001 + Math.floor(number / 7)))]
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).toEqual(ids.toSorted())
  for (const id of ids.slice(0, 100)) expect(id).toMatch(/^dlv_[0-9a-hjkmnp-tv-z]{22}$/)
})

it('tells a bound for a time', () => {
  expect(newId('run', 5000) > firstId('run', 5000)).toBe(true)
  expect(newId('run', 4999) < firstId('run', 5000)).toBe(true)
})
