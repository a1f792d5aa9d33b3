-- name: add_missing
-- Points of earlier times that are not there yet: what COPY cannot say.
INSERT INTO position_history (technician_no, at, lat, lng, accuracy_m, speed_mps, heading_deg)
SELECT DISTINCT ON (p.no, p.at, p.lat, p.lng) p.no, p.at, p.lat, p.lng, p.accuracy_m, p.speed_mps, p.heading_deg
FROM unnest(:numbers::bigint[], :times::timestamptz[], :lats::float8[], :lngs::float8[], :accuracies::real[],
            :speeds::real[], :headings::real[]) AS p(no, at, lat, lng, accuracy_m, speed_mps, heading_deg)
WHERE NOT EXISTS (
  SELECT 1 FROM position_history h
  WHERE h.technician_no = p.no AND h.at BETWEEN p.at - interval '2 seconds' AND p.at + interval '2 seconds'
    AND h.lat = p.lat AND h.lng = p.lng);
