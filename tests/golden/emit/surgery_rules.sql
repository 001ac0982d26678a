SELECT
  CAST(CASE
    WHEN "住院科室" IS NULL OR "手术记录" IS NULL OR "术前术式" IS NULL
    THEN CASE
      WHEN COALESCE(CONTAINS("住院科室", '日间病房'), TRUE)
      THEN CASE WHEN CONTAINS("住院科室", '日间病房') THEN 2 ELSE -2 END
      WHEN (
        "术前术式" IN ('宫腔镜手术', '宫腔镜检查', '宫腔镜检查,备一期手术') AND CONTAINS("手术记录", '宫腔镜')
      )
      OR (
        "术前术式" IN ('鼻内镜下鼻腔鼻窦手术') AND CONTAINS("手术记录", '鼻内镜')
      )
      OR (
        "术前术式" IN ('痔切除术')
        AND (
          CONTAINS("手术记录", '内痔套扎术') OR CONTAINS("手术记录", '痔切除术')
        )
      )
      OR (
        "术前术式" IN ('腹腔镜下胆囊切除术', '腹腔镜胆囊切除术')
        AND CONTAINS("手术记录", '腹腔镜')
        AND CONTAINS("手术记录", '胆囊切除')
      )
      THEN 0
      ELSE CASE WHEN "术前术式" IS NULL OR "手术记录" IS NULL THEN -2 ELSE -1 END
    END
    WHEN CONTAINS("住院科室", '日间病房')
    THEN 2
    WHEN "术前术式" IN ('宫腔镜手术', '宫腔镜检查', '宫腔镜检查,备一期手术') AND CONTAINS("手术记录", '宫腔镜')
    THEN 0
    WHEN "术前术式" IN ('鼻内镜下鼻腔鼻窦手术') AND CONTAINS("手术记录", '鼻内镜')
    THEN 0
    WHEN "术前术式" IN ('痔切除术')
    AND (
      CONTAINS("手术记录", '内痔套扎术') OR CONTAINS("手术记录", '痔切除术')
    )
    THEN 0
    WHEN "术前术式" IN ('腹腔镜下胆囊切除术', '腹腔镜胆囊切除术')
    AND CONTAINS("手术记录", '腹腔镜')
    AND CONTAINS("手术记录", '胆囊切除')
    THEN 0
    ELSE -1
  END AS SMALLINT) AS decision
FROM records
