SELECT
  CAST(CASE
    WHEN "入院.lo" IS NULL
    OR "出院.lo" IS NULL
    OR "医保" IS NULL
    OR "天数" IS NULL
    OR "年龄" IS NULL
    OR "手术时间.lo" IS NULL
    OR "术式" IS NULL
    OR "科室" IS NULL
    OR "诊断" IS NULL
    OR "入院.lo" <> "入院.hi"
    OR "出院.lo" <> "出院.hi"
    OR "手术时间.lo" <> "手术时间.hi"
    THEN CASE
      WHEN COALESCE(
        "科室" IN ('日间手术中心', '日间病房')
        OR (
          "医保" IN ('自费') AND "年龄" < CAST('18.0' AS DOUBLE)
        ),
        TRUE
      )
      THEN CASE
        WHEN "科室" IN ('日间手术中心', '日间病房')
        OR (
          "医保" IN ('自费') AND "年龄" < CAST('18.0' AS DOUBLE)
        )
        THEN 2
        ELSE -2
      END
      WHEN COALESCE(
        CASE
          WHEN NOT (
            "诊断" IS NULL OR "术式" IS NULL
          )
          THEN (
            (
              REGEXP_MATCHES("诊断", '左|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
              OR REGEXP_MATCHES("诊断", '右|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
            )
            AND (
              REGEXP_MATCHES("术式", '左|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
              OR REGEXP_MATCHES("术式", '右|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
            )
          )
          AND (
            REGEXP_MATCHES("诊断", '左|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)') <> REGEXP_MATCHES("术式", '左|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
            OR REGEXP_MATCHES("诊断", '右|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)') <> REGEXP_MATCHES("术式", '右|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
          )
        END,
        TRUE
      )
      THEN CASE
        WHEN CASE
          WHEN NOT (
            "诊断" IS NULL OR "术式" IS NULL
          )
          THEN (
            (
              REGEXP_MATCHES("诊断", '左|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
              OR REGEXP_MATCHES("诊断", '右|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
            )
            AND (
              REGEXP_MATCHES("术式", '左|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
              OR REGEXP_MATCHES("术式", '右|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
            )
          )
          AND (
            REGEXP_MATCHES("诊断", '左|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)') <> REGEXP_MATCHES("术式", '左|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
            OR REGEXP_MATCHES("诊断", '右|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)') <> REGEXP_MATCHES("术式", '右|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
          )
        END
        THEN 1
        ELSE CASE
          WHEN CASE
            WHEN "诊断" IS NULL AND NOT "科室" IS NULL
            THEN TRUE
            WHEN "出院.lo" < "入院.lo"
            THEN TRUE
            WHEN CASE
              WHEN "手术时间.hi" < CAST('2024-01-01 00:00:00' AS TIMESTAMP)
              THEN TRUE
              WHEN "手术时间.lo" >= CAST('2024-01-01 00:00:00' AS TIMESTAMP)
              THEN FALSE
            END
            OR NOT CASE
              WHEN "手术时间.hi" < CAST('2026-01-01 00:00:00' AS TIMESTAMP)
              THEN TRUE
              WHEN "手术时间.lo" >= CAST('2026-01-01 00:00:00' AS TIMESTAMP)
              THEN FALSE
            END
            THEN TRUE
            WHEN COALESCE(
              (
                CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
              )
              AND REGEXP_MATCHES("诊断", '(左|右|双)侧?'),
              TRUE
            )
            THEN FALSE
            WHEN (
              CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
            )
            AND NOT REGEXP_MATCHES("诊断", '(左|右|双)侧?')
            THEN TRUE
            WHEN COALESCE(
              CONTAINS("术式", '探查')
              AND CONTAINS("术式", '引流')
              AND (
                "年龄" >= CAST('60.0' AS DOUBLE)
                OR (
                  "天数" > CAST('30.0' AS DOUBLE) AND NOT "年龄" < CAST('18.0' AS DOUBLE)
                )
              ),
              TRUE
            )
            THEN FALSE
            WHEN COALESCE(
              (
                "科室" = "诊断" OR (
                  NOT CONTAINS("诊断", '痔') AND NOT "诊断" IN ('乙', '甲')
                )
              )
              AND "天数" <= "年龄",
              TRUE
            )
            THEN FALSE
            ELSE FALSE
          END
          THEN 1
          ELSE -2
        END
      END
      WHEN COALESCE("诊断" IS NULL AND NOT "科室" IS NULL, TRUE)
      THEN CASE
        WHEN "诊断" IS NULL AND NOT "科室" IS NULL
        THEN 1
        ELSE CASE
          WHEN CASE
            WHEN "出院.lo" < "入院.lo"
            THEN TRUE
            WHEN CASE
              WHEN "手术时间.hi" < CAST('2024-01-01 00:00:00' AS TIMESTAMP)
              THEN TRUE
              WHEN "手术时间.lo" >= CAST('2024-01-01 00:00:00' AS TIMESTAMP)
              THEN FALSE
            END
            OR NOT CASE
              WHEN "手术时间.hi" < CAST('2026-01-01 00:00:00' AS TIMESTAMP)
              THEN TRUE
              WHEN "手术时间.lo" >= CAST('2026-01-01 00:00:00' AS TIMESTAMP)
              THEN FALSE
            END
            THEN TRUE
            WHEN COALESCE(
              (
                CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
              )
              AND REGEXP_MATCHES("诊断", '(左|右|双)侧?'),
              TRUE
            )
            THEN FALSE
            WHEN (
              CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
            )
            AND NOT REGEXP_MATCHES("诊断", '(左|右|双)侧?')
            THEN TRUE
            WHEN COALESCE(
              CONTAINS("术式", '探查')
              AND CONTAINS("术式", '引流')
              AND (
                "年龄" >= CAST('60.0' AS DOUBLE)
                OR (
                  "天数" > CAST('30.0' AS DOUBLE) AND NOT "年龄" < CAST('18.0' AS DOUBLE)
                )
              ),
              TRUE
            )
            THEN FALSE
            WHEN COALESCE(
              (
                "科室" = "诊断" OR (
                  NOT CONTAINS("诊断", '痔') AND NOT "诊断" IN ('乙', '甲')
                )
              )
              AND "天数" <= "年龄",
              TRUE
            )
            THEN FALSE
            ELSE FALSE
          END
          THEN 1
          ELSE -2
        END
      END
      WHEN COALESCE("出院.lo" < "入院.lo", TRUE)
      THEN CASE
        WHEN "出院.lo" < "入院.lo"
        THEN 1
        ELSE CASE
          WHEN CASE
            WHEN CASE
              WHEN "手术时间.hi" < CAST('2024-01-01 00:00:00' AS TIMESTAMP)
              THEN TRUE
              WHEN "手术时间.lo" >= CAST('2024-01-01 00:00:00' AS TIMESTAMP)
              THEN FALSE
            END
            OR NOT CASE
              WHEN "手术时间.hi" < CAST('2026-01-01 00:00:00' AS TIMESTAMP)
              THEN TRUE
              WHEN "手术时间.lo" >= CAST('2026-01-01 00:00:00' AS TIMESTAMP)
              THEN FALSE
            END
            THEN TRUE
            WHEN COALESCE(
              (
                CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
              )
              AND REGEXP_MATCHES("诊断", '(左|右|双)侧?'),
              TRUE
            )
            THEN FALSE
            WHEN (
              CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
            )
            AND NOT REGEXP_MATCHES("诊断", '(左|右|双)侧?')
            THEN TRUE
            WHEN COALESCE(
              CONTAINS("术式", '探查')
              AND CONTAINS("术式", '引流')
              AND (
                "年龄" >= CAST('60.0' AS DOUBLE)
                OR (
                  "天数" > CAST('30.0' AS DOUBLE) AND NOT "年龄" < CAST('18.0' AS DOUBLE)
                )
              ),
              TRUE
            )
            THEN FALSE
            WHEN COALESCE(
              (
                "科室" = "诊断" OR (
                  NOT CONTAINS("诊断", '痔') AND NOT "诊断" IN ('乙', '甲')
                )
              )
              AND "天数" <= "年龄",
              TRUE
            )
            THEN FALSE
            ELSE FALSE
          END
          THEN 1
          ELSE -2
        END
      END
      WHEN COALESCE(
        CASE
          WHEN "手术时间.hi" < CAST('2024-01-01 00:00:00' AS TIMESTAMP)
          THEN TRUE
          WHEN "手术时间.lo" >= CAST('2024-01-01 00:00:00' AS TIMESTAMP)
          THEN FALSE
        END
        OR NOT CASE
          WHEN "手术时间.hi" < CAST('2026-01-01 00:00:00' AS TIMESTAMP)
          THEN TRUE
          WHEN "手术时间.lo" >= CAST('2026-01-01 00:00:00' AS TIMESTAMP)
          THEN FALSE
        END,
        TRUE
      )
      THEN CASE
        WHEN CASE
          WHEN "手术时间.hi" < CAST('2024-01-01 00:00:00' AS TIMESTAMP)
          THEN TRUE
          WHEN "手术时间.lo" >= CAST('2024-01-01 00:00:00' AS TIMESTAMP)
          THEN FALSE
        END
        OR NOT CASE
          WHEN "手术时间.hi" < CAST('2026-01-01 00:00:00' AS TIMESTAMP)
          THEN TRUE
          WHEN "手术时间.lo" >= CAST('2026-01-01 00:00:00' AS TIMESTAMP)
          THEN FALSE
        END
        THEN 1
        ELSE CASE
          WHEN CASE
            WHEN COALESCE(
              (
                CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
              )
              AND REGEXP_MATCHES("诊断", '(左|右|双)侧?'),
              TRUE
            )
            THEN FALSE
            WHEN (
              CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
            )
            AND NOT REGEXP_MATCHES("诊断", '(左|右|双)侧?')
            THEN TRUE
            WHEN COALESCE(
              CONTAINS("术式", '探查')
              AND CONTAINS("术式", '引流')
              AND (
                "年龄" >= CAST('60.0' AS DOUBLE)
                OR (
                  "天数" > CAST('30.0' AS DOUBLE) AND NOT "年龄" < CAST('18.0' AS DOUBLE)
                )
              ),
              TRUE
            )
            THEN FALSE
            WHEN COALESCE(
              (
                "科室" = "诊断" OR (
                  NOT CONTAINS("诊断", '痔') AND NOT "诊断" IN ('乙', '甲')
                )
              )
              AND "天数" <= "年龄",
              TRUE
            )
            THEN FALSE
            ELSE FALSE
          END
          THEN 1
          ELSE -2
        END
      END
      WHEN COALESCE(
        (
          (
            CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
          )
          AND REGEXP_MATCHES("诊断", '(左|右|双)侧?')
        )
        OR (
          (
            CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
          )
          AND NOT REGEXP_MATCHES("诊断", '(左|右|双)侧?')
        ),
        TRUE
      )
      THEN CASE
        WHEN (
          (
            CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
          )
          AND REGEXP_MATCHES("诊断", '(左|右|双)侧?')
        )
        AND (
          (
            CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
          )
          AND NOT REGEXP_MATCHES("诊断", '(左|右|双)侧?')
        )
        THEN -3
        WHEN (
          (
            CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
          )
          AND REGEXP_MATCHES("诊断", '(左|右|双)侧?')
        )
        AND NOT COALESCE(
          (
            CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
          )
          AND NOT REGEXP_MATCHES("诊断", '(左|右|双)侧?'),
          TRUE
        )
        THEN 0
        WHEN (
          (
            CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
          )
          AND NOT REGEXP_MATCHES("诊断", '(左|右|双)侧?')
        )
        AND NOT COALESCE(
          (
            CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
          )
          AND REGEXP_MATCHES("诊断", '(左|右|双)侧?'),
          TRUE
        )
        THEN 1
        ELSE CASE
          WHEN NOT COALESCE(
            (
              CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
            )
            AND NOT REGEXP_MATCHES("诊断", '(左|右|双)侧?'),
            TRUE
          )
          AND CASE
            WHEN CONTAINS("术式", '探查')
            AND CONTAINS("术式", '引流')
            AND (
              "年龄" >= CAST('60.0' AS DOUBLE)
              OR (
                "天数" > CAST('30.0' AS DOUBLE) AND NOT "年龄" < CAST('18.0' AS DOUBLE)
              )
            )
            THEN TRUE
            WHEN (
              "科室" = "诊断" OR (
                NOT CONTAINS("诊断", '痔') AND NOT "诊断" IN ('乙', '甲')
              )
            )
            AND "天数" <= "年龄"
            THEN TRUE
            ELSE FALSE
          END
          THEN 0
          ELSE -2
        END
      END
      WHEN COALESCE(
        CONTAINS("术式", '探查')
        AND CONTAINS("术式", '引流')
        AND (
          "年龄" >= CAST('60.0' AS DOUBLE)
          OR (
            "天数" > CAST('30.0' AS DOUBLE) AND NOT "年龄" < CAST('18.0' AS DOUBLE)
          )
        ),
        TRUE
      )
      THEN CASE
        WHEN CONTAINS("术式", '探查')
        AND CONTAINS("术式", '引流')
        AND (
          "年龄" >= CAST('60.0' AS DOUBLE)
          OR (
            "天数" > CAST('30.0' AS DOUBLE) AND NOT "年龄" < CAST('18.0' AS DOUBLE)
          )
        )
        THEN 0
        ELSE CASE
          WHEN CASE
            WHEN (
              "科室" = "诊断" OR (
                NOT CONTAINS("诊断", '痔') AND NOT "诊断" IN ('乙', '甲')
              )
            )
            AND "天数" <= "年龄"
            THEN TRUE
            ELSE FALSE
          END
          THEN 0
          ELSE -2
        END
      END
      WHEN COALESCE(
        (
          "科室" = "诊断" OR (
            NOT CONTAINS("诊断", '痔') AND NOT "诊断" IN ('乙', '甲')
          )
        )
        AND "天数" <= "年龄",
        TRUE
      )
      THEN CASE
        WHEN (
          "科室" = "诊断" OR (
            NOT CONTAINS("诊断", '痔') AND NOT "诊断" IN ('乙', '甲')
          )
        )
        AND "天数" <= "年龄"
        THEN 0
        ELSE -2
      END
      ELSE CASE WHEN "诊断" IS NULL OR "术式" IS NULL THEN -2 ELSE -1 END
    END
    WHEN "科室" IN ('日间手术中心', '日间病房')
    THEN 2
    WHEN "医保" IN ('自费') AND "年龄" < CAST('18.0' AS DOUBLE)
    THEN 2
    WHEN CASE
      WHEN NOT (
        "诊断" IS NULL OR "术式" IS NULL
      )
      THEN (
        (
          REGEXP_MATCHES("诊断", '左|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
          OR REGEXP_MATCHES("诊断", '右|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
        )
        AND (
          REGEXP_MATCHES("术式", '左|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
          OR REGEXP_MATCHES("术式", '右|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
        )
      )
      AND (
        REGEXP_MATCHES("诊断", '左|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)') <> REGEXP_MATCHES("术式", '左|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
        OR REGEXP_MATCHES("诊断", '右|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)') <> REGEXP_MATCHES("术式", '右|两侧|双(?:[^腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联]|$)')
      )
    END
    THEN 1
    WHEN "诊断" IS NULL AND NOT "科室" IS NULL
    THEN 1
    WHEN "出院.lo" < "入院.lo"
    THEN 1
    WHEN CASE
      WHEN "手术时间.hi" < CAST('2024-01-01 00:00:00' AS TIMESTAMP)
      THEN TRUE
      WHEN "手术时间.lo" >= CAST('2024-01-01 00:00:00' AS TIMESTAMP)
      THEN FALSE
    END
    OR NOT CASE
      WHEN "手术时间.hi" < CAST('2026-01-01 00:00:00' AS TIMESTAMP)
      THEN TRUE
      WHEN "手术时间.lo" >= CAST('2026-01-01 00:00:00' AS TIMESTAMP)
      THEN FALSE
    END
    THEN 1
    WHEN (
      (
        CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
      )
      AND REGEXP_MATCHES("诊断", '(左|右|双)侧?')
    )
    AND (
      (
        CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
      )
      AND NOT REGEXP_MATCHES("诊断", '(左|右|双)侧?')
    )
    THEN -3
    WHEN (
      CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
    )
    AND REGEXP_MATCHES("诊断", '(左|右|双)侧?')
    THEN 0
    WHEN (
      CONTAINS("诊断", '切割伤') OR CONTAINS("诊断", '摔伤') OR CONTAINS("诊断", '车祸伤')
    )
    AND NOT REGEXP_MATCHES("诊断", '(左|右|双)侧?')
    THEN 1
    WHEN CONTAINS("术式", '探查')
    AND CONTAINS("术式", '引流')
    AND (
      "年龄" >= CAST('60.0' AS DOUBLE)
      OR (
        "天数" > CAST('30.0' AS DOUBLE) AND NOT "年龄" < CAST('18.0' AS DOUBLE)
      )
    )
    THEN 0
    WHEN (
      "科室" = "诊断" OR (
        NOT CONTAINS("诊断", '痔') AND NOT "诊断" IN ('乙', '甲')
      )
    )
    AND "天数" <= "年龄"
    THEN 0
    ELSE -1
  END AS SMALLINT) AS decision
FROM records
