// Loaded before the program under test (NODE_OPTIONS=--import): its clock runs as many milliseconds ahead as the file says. No part of the product knows of it.
import { readFileSync } from 'node:fs'

const file = process.env.WAYBILL_E2E_CLOCK
if (file !== undefined) {
  const real = Date.now
  let ahead = 0
  let lookedAt = 0
  Date.now = () => {
    const now = real()
    if (now - lookedAt > 20) {
      lookedAt = now
      try {
        ahead = Number(readFileSync(file, 'utf8')) || 0
      } catch {
        ahead = 0
      }
    }
    return now + ahead
  }
}
