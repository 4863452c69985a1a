import './app/schema-setup.ts'
import './ui/tokens.css'
import './ui/base.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app/app.tsx'
import { openHost } from './lib/host.ts'

const root = document.getElementById('root')
if (root === null) throw new Error('the page has no root')
const host = await openHost()
createRoot(root).render(
  <StrictMode>
    <App host={host} />
  </StrictMode>,
)
