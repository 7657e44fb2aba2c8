//go:build js && wasm

// The engine inside rego-coverage: OPA's own packages, compiled to WebAssembly, spoken to in JSON.
//
// JavaScript gets one function, regoCoverageEngine(request, done), and calls it with a JSON text; done gets the
// JSON answer. Requests run one after the other, for the engine is one thread.
package main

import (
	"encoding/json"
	"syscall/js"

	// time.parse_ns and the like know zones by name.
	_ "time/tzdata"
)

func main() {
	engine := engine{progress: func() { js.Global().Get("regoCoverageProgress").Invoke() }}
	requests := make(chan func())
	js.Global().Set("regoCoverageEngine", js.FuncOf(func(_ js.Value, args []js.Value) any {
		request, done := args[0].String(), args[1]
		// File access waits for JavaScript's event loop, so the work cannot happen inside its call.
		go func() { requests <- func() { done.Invoke(engine.answer([]byte(request))) } }()
		return nil
	}))
	js.Global().Get("regoCoverageReady").Invoke()
	for work := range requests {
		work()
	}
}

func (e *engine) answer(request []byte) string {
	value, err := e.handle(request)
	if err != nil {
		value = map[string]string{"error": err.Error()}
	}
	text, err := json.Marshal(value)
	if err != nil {
		text, _ = json.Marshal(map[string]string{"error": err.Error()})
	}
	return string(text)
}
