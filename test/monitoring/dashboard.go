package monitoring

import (
	"encoding/json"
	"fmt"
	"os"
)

// dashboard holds the fields in use of Grafana's format.
type dashboard struct {
	Title  string  `json:"title"`
	UID    string  `json:"uid"`
	Panels []panel `json:"panels"`
}

// panel is one panel. Its position has 24 columns.
type panel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	GridPos     struct {
		X, Y, W, H int
	} `json:"gridPos"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []target `json:"targets"`
}

// target is one query of a panel.
type target struct {
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat"`
}

func readDashboard(file string) (dashboard, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return dashboard{}, err
	}
	var d dashboard
	if err := json.Unmarshal(data, &d); err != nil {
		return dashboard{}, fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}
