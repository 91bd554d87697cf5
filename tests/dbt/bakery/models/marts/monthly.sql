{{ config(materialized='incremental', unique_key='month') }}
select month, sum(euros) as euros, count(*) as sales
from {{ ref('stg_sales') }}
{% if is_incremental() %} where month > (select max(month) from {{ this }}) {% endif %}
group by month
