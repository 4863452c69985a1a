import { defineConfig } from 'vitest/config'
import { LongestFirst } from './longest-first.ts'

const root = new URL('..', import.meta.url).pathname

/** Continuous integration has two cores. Left to itself, vitest would keep one free. */
const CORES = 2
/** Much of a file's time goes into waiting for programs: one more at a time fills the cores. */
const CORES_AND_ONE = 3

/**
 * Three rings: `unit` needs only Node, `peers` needs real servers, `e2e` drives the built product. The latter two run together.
 */
export default defineConfig({
  root,
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          root,
          include: ['{shared,renderer,electron,build}/**/*.test.{ts,tsx}'],
          exclude: ['**/*.integration.test.ts', '**/node_modules/**', 'dist/**'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
          maxWorkers: CORES,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'peers',
          root,
          include: ['shared/**/*.integration.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxWorkers: CORES_AND_ONE,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          root,
          include: ['e2e/{specs,electron,campaigns}/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          maxWorkers: CORES_AND_ONE,
          sequence: { groupOrder: 1 },
          globalSetup: 'e2e/servers/empty-workspace.ts',
        },
      },
    ],
  },
})
