import { builtinModules } from 'node:module'
import { defineConfig } from 'vite'

const root = new URL('..', import.meta.url).pathname

/** What every command loads, in a hundred files that would be looked up one by one; of zod, nine tenths are languages that nobody speaks here. */
const BUNDLED = ['zod', 'commander']

/** The core for every host: one bundle of our own code; other dependencies stay what they are in node_modules. */
export default defineConfig({
  root,
  publicDir: false,
  ssr: { noExternal: BUNDLED },
  // Waybill asks nobody whether it is outdated: it knows its own age.
  define: { WAYBILL_BUILT_AT: JSON.stringify(new Date().toISOString()) },
  build: {
    ssr: true,
    target: 'node24',
    outDir: 'dist/core',
    emptyOutDir: true,
    sourcemap: true,
    minify: false,
    rollupOptions: {
      input: { waybill: 'shared/hosts/cli/main.ts', practice: 'shared/practice/main.ts', 'digest-worker': 'shared/core/crypto/cms/digest-worker.ts' },
      external: [/^node:/, ...builtinModules, new RegExp(`^(?!(${BUNDLED.join('|')})$)[^./]`)],
      output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
    },
  },
})
