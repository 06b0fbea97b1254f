package sql

import "testing"

func TestWidth(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "abc": 3, "é": 1, "e\u0301": 1, "日本語": 6, "ｱ": 1, "Ａ": 2, "한국": 4, "\u1112\u1161\u11ab": 2, "😀": 2, "✅": 2, "⭐": 2, "⚡": 2, "☀": 1, "☀\uFE0F": 1,
		"❤\uFE0F": 1, "👍🏽": 4, "👩\u200D👩\u200D👧": 2, "🇩🇪": 2, "a\u200Bb": 2, "🌡": 1, "🌡\uFE0F": 1, "─": 1, "…": 1, "→": 1, "𝛼": 1, "𠀀": 2, "🫠": 2, "↔": 1,
	} {
		if got := Width(text); got != want {
			t.Errorf("%q takes %d columns, want %d", text, got, want)
		}
	}
}
